# Postern. One file: a folder is an archive, archives link in the order of the floors (tests/floors.txt).
#
#   make            build into build/
#   make run        install what is missing, build, and watch this machine's own interfaces, live (verdicts only), with
#                   a collector beside it
#   make demo       a hypervisor in network namespaces with a bot among its customers, in under a minute
#   make test       install, build, all tests, plainly and under ASan and UBSan
#   make soak       the same with hundreds of kills and lies, every test in both builds: an hour
#   make fuzz       every fuzz target for FUZZ_SECONDS (60) each
#   make bench      speed, side by side with the bare limit and with others
#   make lab        what the detectors make of every scenario: SEEDS (1) of each, from seed FIRST (1) on
#   make lab-filter what Rspamd and SpamAssassin make of a corpus after a thousand lessons
#   make install    DESTDIR= PREFIX=/usr/local
#
# VARIANT=asan builds into build/asan with sanitizers, VARIANT=fuzz into build/fuzz; CC=clang works as well.

PREFIX       ?= /usr/local
VARIANT      ?=
FUZZ_SECONDS ?= 60
SEEDS        ?= 1
FIRST        ?= 1
BUILD        := build$(if $(VARIANT),/$(VARIANT))
VERSION      := 0.1.0

BUILD_PACKAGES := gcc make pkgconf libc6-dev libpcap-dev libsqlite3-dev libpcre2-dev libmnl-dev libinih-dev \
	libsystemd-dev libseccomp-dev libcap-ng-dev libjansson-dev libzstd-dev zlib1g-dev libxxhash-dev \
	libcurl4-openssl-dev libmicrohttpd-dev libgnutls28-dev libpq-dev libsodium-dev \
	libmilter-dev libgmime-3.0-dev libgd-dev libtesseract-dev libc-ares-dev libcairo2-dev
RUN_PACKAGES   := nftables iproute2
DEMO_PACKAGES  := postfix swaks python3 procps
TEST_MAIL_SERVERS := exim opensmtpd sendmail rspamd
TEST_TOOLS     := promtool
TEST_PACKAGES  := clang clang-format libcmocka-dev libclang-rt-dev tcpdump mandoc sasl2-bin systemd-journal-remote \
	postgresql haproxy rspamd redis-server spamassassin spamd spamc clamav-daemon clamdscan pyzor razor amavisd-new \
	spampd tesseract-ocr-eng sqlgrey libdbd-sqlite3-perl fuzzyocr gocr netpbm giflib-tools gifsicle python3-gdbm zstd \
	rbldnsd unbound dovecot-core dovecot-imapd dovecot-lmtpd adns-tools \
	lynx mutt chromium tzdata

LIBRARIES := libpcap libmnl libpcre2-8 inih sqlite3 libsystemd libseccomp libcap-ng jansson libzstd zlib libxxhash \
	libcurl libsodium libmicrohttpd gnutls libpq milter gmime-3.0 gdlib tesseract libcares cairo

comma := ,
SANITIZE_asan := -fsanitize=address$(comma)undefined -fno-sanitize-recover=all
SANITIZE_fuzz := -fsanitize=fuzzer-no-link$(comma)address$(comma)undefined -fno-sanitize-recover=all
SANITIZE := $(SANITIZE_$(VARIANT))
ifeq ($(VARIANT),fuzz)
CC := clang
endif

# Programs are optimised as a whole: replay runs through a tenth fewer instructions. Objects hold plain code as well, so
# that a unit test links in no time.
LINK_TIME = $(if $(SANITIZE)$(findstring clang,$(CC)),,-flto=auto)
HOUSE_CFLAGS := -std=c17 -D_GNU_SOURCE -DPOSTERN_VERSION='"$(VERSION)"' -I. -g $(if $(SANITIZE),-O2 -fno-omit-frame-pointer,-O3) \
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wpointer-arith \
	-Wwrite-strings -Wundef -fstack-protector-strong -fPIE $(if $(SANITIZE),$(SANITIZE),-D_FORTIFY_SOURCE=2)
HOUSE_LDFLAGS := -pie -Wl,-z,relro,-z,now,--as-needed $(SANITIZE)
LIBRARY_CFLAGS = $(shell pkgconf --cflags $(LIBRARIES))
LIBRARY_LIBS   = $(shell pkgconf --libs $(LIBRARIES)) -lm

# Top floor first: the order in which archives are linked.
FOLDERS := agent/watcher agent/warden agent/courier agent/scribe agent/milter agent/message agent/sample agent/relay agent/judge agent/sender agent/log agent/packet \
	detectors nft collector/api collector/sorter collector/lookout collector/desk collector/post collector/alert collector/blacklist collector/reading collector/complaint collector/quarantine collector/mime collector/picture collector/filter collector/message collector/store collector/report collector/letter common/io common/words common

archive  = $(BUILD)/lib/lib$(subst /,-,$(1)).a
objects  = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/*.c))
ARCHIVES := $(foreach f,$(FOLDERS),$(call archive,$(f)))

PROGRAMS := $(BUILD)/postern-agent $(BUILD)/postern-collector $(BUILD)/postern-reader $(BUILD)/postern
TESTS    := $(patsubst tests/unit/%.c,$(BUILD)/test/%,$(sort $(shell find tests/unit -name '*_test.c')))
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
BENCHES  := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(sort $(wildcard tests/bench/*.c)))
# The laboratory is a program; its arithmetic, which needs no traffic, has unit tests.
LAB      := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/lab/*.c)) $(BUILD)/obj/agent/settings.o $(BUILD)/obj/agent/builtin.o
LAB_SUMS := $(patsubst %,$(BUILD)/obj/tests/lab/%.o,figures samples fit reliability tally aims report weights)
JOBS     := $(shell nproc)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all unit fuzzers benches run demo test soak fuzz bench lab lab-filter install clean format packages demo-packages test-packages

all: $(PROGRAMS)
unit: $(TESTS)
fuzzers: $(FUZZERS)
benches: $(BENCHES)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOUSE_CFLAGS) $(if $(LINK_TIME),$(LINK_TIME) -ffat-lto-objects) $(LIBRARY_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define FOLDER_RULE
$(call archive,$(1)): $(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call FOLDER_RULE,$(f))))

# Shipped files that stand inside the program.
$(BUILD)/obj/agent/builtin.o: $(wildcard conf/maps/* conf/logs/*)
$(BUILD)/obj/collector/store/migrate.o: $(wildcard collector/store/schema/*.sql)
$(BUILD)/obj/collector/filter/headers_builtin.o: $(wildcard conf/headers/*)
$(BUILD)/obj/collector/blacklist/zones_builtin.o: conf/blacklists.conf
$(BUILD)/obj/collector/letter/templates_builtin.o: $(wildcard conf/letters/*)
$(BUILD)/obj/agent/builtin.o $(BUILD)/obj/collector/store/migrate.o $(BUILD)/obj/collector/filter/headers_builtin.o $(BUILD)/obj/collector/blacklist/zones_builtin.o $(BUILD)/obj/collector/letter/templates_builtin.o $(BUILD)/obj/tests/%: LINK_TIME =

$(BUILD)/postern-agent: $(call objects,agent) $(ARCHIVES)
	$(CC) $(HOUSE_LDFLAGS) $(LINK_TIME) $(LDFLAGS) -o $@ $(call objects,agent) $(ARCHIVES) $(LIBRARY_LIBS)

CENTRE := collector/api collector/sorter collector/lookout collector/desk collector/post collector/alert collector/blacklist collector/reading collector/complaint collector/quarantine collector/mime collector/picture collector/filter collector/message collector/store collector/report collector/letter common/io common/words common
$(BUILD)/postern-collector: $(call objects,collector) $(foreach f,$(CENTRE),$(call archive,$(f)))
	$(CC) $(HOUSE_LDFLAGS) $(LINK_TIME) $(LDFLAGS) -o $@ $^ $(LIBRARY_LIBS)

$(BUILD)/postern-reader: $(call objects,collector/reader) $(foreach f,collector/complaint collector/mime collector/picture common/io common/words common,$(call archive,$(f)))
	$(CC) $(HOUSE_LDFLAGS) $(LINK_TIME) $(LDFLAGS) -o $@ $^ $(LIBRARY_LIBS)

$(BUILD)/postern: $(call objects,cli) $(call archive,common/io) $(call archive,common/words) $(call archive,common)
	$(CC) $(HOUSE_LDFLAGS) $(LINK_TIME) $(LDFLAGS) -o $@ $^ $(LIBRARY_LIBS)

$(BUILD)/test/%_test: $(BUILD)/obj/tests/unit/%_test.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(HOUSE_LDFLAGS) -fno-lto $(LDFLAGS) -o $@ $< $(ARCHIVES) -lcmocka $(LIBRARY_LIBS)

# It starts the program.
$(BUILD)/test/collector/reading/reading_test: $(BUILD)/postern-reader

# What stands beside main() is in no archive.
FORMATS := $(BUILD)/obj/agent/log_formats.o $(BUILD)/obj/agent/builtin.o
$(BUILD)/test/agent/log_formats_test: $(BUILD)/obj/tests/unit/agent/log_formats_test.o $(FORMATS) $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(HOUSE_LDFLAGS) -fno-lto $(LDFLAGS) -o $@ $< $(FORMATS) $(ARCHIVES) -lcmocka $(LIBRARY_LIBS)

$(BUILD)/test/agent/central_test: $(BUILD)/obj/tests/unit/agent/central_test.o $(BUILD)/obj/agent/central.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(HOUSE_LDFLAGS) -fno-lto $(LDFLAGS) -o $@ $^ -lcmocka $(LIBRARY_LIBS)

$(BUILD)/test/cli/mail_source_test: $(BUILD)/obj/tests/unit/cli/mail_source_test.o $(BUILD)/obj/cli/mail_source.o $(BUILD)/obj/cli/message_names.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(HOUSE_LDFLAGS) -fno-lto $(LDFLAGS) -o $@ $^ -lcmocka $(LIBRARY_LIBS)

$(BUILD)/test/cli/columns_test: $(BUILD)/obj/tests/unit/cli/columns_test.o $(BUILD)/obj/cli/columns.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(HOUSE_LDFLAGS) -fno-lto $(LDFLAGS) -o $@ $^ -lcmocka $(LIBRARY_LIBS)

$(BUILD)/test/lab/%_test: $(BUILD)/obj/tests/unit/lab/%_test.o $(LAB_SUMS) $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(HOUSE_LDFLAGS) -fno-lto $(LDFLAGS) -o $@ $< $(LAB_SUMS) -Wl,--start-group $(ARCHIVES) -Wl,--end-group -lcmocka $(LIBRARY_LIBS)

$(BUILD)/%_fuzz: $(BUILD)/obj/tests/fuzz/%_fuzz.o $(ARCHIVES)
	$(CC) $(HOUSE_LDFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(ARCHIVES) $(LIBRARY_LIBS)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(HOUSE_LDFLAGS) $(LINK_TIME) $(LDFLAGS) -o $@ $< $(ARCHIVES) $(LIBRARY_LIBS)

$(BUILD)/lab/lab: $(LAB) $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(HOUSE_LDFLAGS) $(LINK_TIME) $(LDFLAGS) -o $@ $(LAB) $(ARCHIVES) $(LIBRARY_LIBS)

packages:
	@tests/packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES)
demo-packages:
	@tests/packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES) $(DEMO_PACKAGES)
test-packages:
	@tests/packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES)
	@tests/testbed/mta.sh unpack $(TEST_MAIL_SERVERS) $(TEST_TOOLS)

run: packages
	@$(MAKE) -s -j$(JOBS) all
	@tests/run-here.sh $(BUILD)

demo: demo-packages
	@$(MAKE) -s -j$(JOBS) all
	@tests/e2e/demo.py

test: test-packages
	@$(MAKE) -s -j$(JOBS) all unit
	@$(MAKE) -s -j$(JOBS) VARIANT=asan all unit
	@$(MAKE) -s -j$(JOBS) VARIANT=fuzz fuzzers
	@tests/run.py

soak: test-packages
	@$(MAKE) -s -j$(JOBS) all unit
	@$(MAKE) -s -j$(JOBS) VARIANT=asan all unit
	@POSTERN_EVERYTHING=1 POSTERN_KILLS=500 POSTERN_LONG=1 POSTERN_LIMIT=3600 tests/run.py

fuzz: test-packages
	@$(MAKE) -s -j$(JOBS) VARIANT=fuzz fuzzers
	@tests/fuzz/fuzz.sh $(FUZZ_SECONDS)

bench: test-packages
	@$(MAKE) -s -j$(JOBS) all benches
	@tests/bench/bench.sh

lab: packages
	@$(MAKE) -s -j$(JOBS) $(BUILD)/lab/lab
	@$(BUILD)/lab/lab run --seeds $(SEEDS) --first $(FIRST)

lab-filter: test-packages
	@$(MAKE) -s -j$(JOBS) all
	@tests/lab_filter/lab_filter.py

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/libexec/postern $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/postern \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/share/postern/grafana $(DESTDIR)$(PREFIX)/share/postern/haproxy \
		$(DESTDIR)$(PREFIX)/share/postern/headers $(DESTDIR)$(PREFIX)/share/postern/letters
	install -m 755 $(BUILD)/postern-agent $(BUILD)/postern-collector $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(BUILD)/postern-reader $(DESTDIR)$(PREFIX)/libexec/postern/
	install -m 755 $(BUILD)/postern $(DESTDIR)$(PREFIX)/bin/
	install -m 644 docs/postern.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 docs/postern-agent.conf.5 docs/postern-collector.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 docs/postern-agent.8 docs/postern-collector.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 conf/agent.conf.example conf/collector.conf.example $(DESTDIR)/etc/postern/
	install -m 644 conf/headers/*.conf $(DESTDIR)$(PREFIX)/share/postern/headers/
	install -m 644 conf/letters/*.txt $(DESTDIR)$(PREFIX)/share/postern/letters/
	install -m 644 conf/grafana/postern.json $(DESTDIR)$(PREFIX)/share/postern/grafana/
	install -m 644 conf/haproxy/postern.cfg $(DESTDIR)$(PREFIX)/share/postern/haproxy/
	install -m 644 conf/blacklists.conf $(DESTDIR)$(PREFIX)/share/postern/
	sed 's|@PREFIX@|$(PREFIX)|g' conf/systemd/postern-agent.service > \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/postern-agent.service
	sed 's|@PREFIX@|$(PREFIX)|g' conf/systemd/postern-collector.service > \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/postern-collector.service
	install -m 644 conf/systemd/postern.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/postern.conf

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

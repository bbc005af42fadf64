# Postern. One file, no recursion: a folder is an archive, archives link in the order of the floors (tests/floors.txt).
#
#   make            build into build/
#   make run        install what is missing, build, watch this machine's own interfaces (verdicts only)
#   make demo       a hypervisor in network namespaces with a bot among its customers, in under a minute
#   make test       install, build, all tests, plainly and under ASan and UBSan
#   make fuzz       every fuzz target for FUZZ_SECONDS (60); make bench: side by side with others; make soak: long
#   make install    DESTDIR= PREFIX=/usr/local
#
# VARIANT=asan builds into build/asan with sanitizers; CC=clang works as well.

PREFIX  ?= /usr/local
VARIANT ?=
BUILD   := build$(if $(VARIANT),/$(VARIANT))
VERSION := 0.1.0

BUILD_PACKAGES := gcc make pkgconf libc6-dev libpcap-dev libsqlite3-dev libpcre2-dev libmnl-dev libinih-dev \
	libsystemd-dev libseccomp-dev libcap-ng-dev libjansson-dev libzstd-dev zlib1g-dev libxxhash-dev
TEST_PACKAGES := clang clang-format libcmocka-dev nftables iproute2 postfix swaks tcpdump mandoc jq python3 procps \
	xz-utils ca-certificates

LIBRARIES := libpcap libmnl libpcre2-8 inih sqlite3 libsystemd libseccomp libcap-ng jansson libzstd zlib libxxhash

CFLAGS_BASE := -std=c17 -D_GNU_SOURCE -DPOSTERN_VERSION='"$(VERSION)"' -I. -O2 -g -fno-omit-frame-pointer \
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wpointer-arith \
	-Wwrite-strings -Wundef -fstack-protector-strong -fPIE
comma := ,
CFLAGS_VARIANT := $(if $(filter asan,$(VARIANT)),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all,-D_FORTIFY_SOURCE=2)
LDFLAGS_BASE := -pie -Wl,-z,relro,-z,now $(if $(filter asan,$(VARIANT)),-fsanitize=address$(comma)undefined)
LDLIBS_BASE = $(shell pkgconf --libs $(LIBRARIES)) -lm
CFLAGS_LIBRARIES = $(shell pkgconf --cflags $(LIBRARIES))

# Top floor first: the order in which archives are linked.
FOLDERS := agent/watcher agent/warden agent/courier agent/message agent/judge agent/sender agent/packet detectors nft \
	common/io common/words common

archive  = $(BUILD)/lib/lib$(subst /,-,$(1)).a
objects  = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/*.c))
ARCHIVES := $(foreach f,$(FOLDERS),$(call archive,$(f)))

PROGRAMS := $(BUILD)/postern-agent $(BUILD)/postern
TESTS    := $(patsubst tests/unit/%.c,$(BUILD)/test/%,$(shell find tests/unit -name '*_test.c' 2>/dev/null))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run demo test unit fuzz bench soak install clean packages test-packages format generated
all: $(PROGRAMS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_BASE) $(CFLAGS_VARIANT) $(CFLAGS_LIBRARIES) $(CFLAGS) -MMD -MP -c -o $@ $<

define FOLDER_RULE
$(call archive,$(1)): $(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call FOLDER_RULE,$(f))))

# Shipped files that stand inside the program.
$(BUILD)/obj/agent/builtin.o: $(wildcard conf/maps/*)

$(BUILD)/postern-agent: $(call objects,agent) $(ARCHIVES)
	$(CC) $(LDFLAGS_BASE) $(LDFLAGS) -o $@ $(call objects,agent) $(ARCHIVES) $(LDLIBS_BASE)

$(BUILD)/postern: $(call objects,cli) $(call archive,common/io) $(call archive,common/words) $(call archive,common)
	$(CC) $(LDFLAGS_BASE) $(LDFLAGS) -o $@ $^ $(LDLIBS_BASE)

$(BUILD)/test/%_test: $(BUILD)/obj/tests/unit/%_test.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_BASE) $(LDFLAGS) -o $@ $< $(ARCHIVES) -lcmocka $(LDLIBS_BASE)

unit: $(TESTS)

packages:
	@tests/packages.sh $(BUILD_PACKAGES)
test-packages:
	@tests/packages.sh $(BUILD_PACKAGES) $(TEST_PACKAGES)

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

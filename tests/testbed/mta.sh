#!/bin/sh
# Postfix, Exim, OpenSMTPD, Sendmail and rspamd, side by side though their Debian packages exclude each other.
#
#     mta.sh postfix|exim|opensmtpd|sendmail|rspamd DIRECTORY
#                                                   makes DIRECTORY/send and DIRECTORY/serve
#     DIRECTORY/send SERVER PORT FROM TO < message  sends it in the caller's network namespace; 0: the server took it
#                                                   (not Sendmail and rspamd, which only serve)
#     DIRECTORY/serve SERVER PORT ADDRESS           takes mail at ADDRESS, port 587, for SERVER, until its input ends
#                                                   (mta_serve.sh); its log grows in DIRECTORY/logs
#     mta.sh unpack NAME...                         fetches what is missing, for tests that have no network; also
#                                                   promtool, whose package would start a service
#
# Postfix is installed as usual. The others are unpacked, with the libraries that are missing, into build/mta/, which
# each sending lays over the machine's own files: an overlay in a mount namespace of its own, whose changes (users,
# configuration, queue) are kept in memory and end with it. Thus the programs find their compiled-in paths, and the
# machine stays as it is. The MTA's log is left in DIRECTORY/log.
#
# Postfix and Exim end their session with QUIT; OpenSMTPD keeps it for more and is ended with it open.
#
# HELO (mx.firm.test): the name it says; PATIENCE (20): seconds until a message that was not taken is given up.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
layers=${here%/tests/testbed}/build/mta
HELO=${HELO:-mx.firm.test}
PATIENCE=${PATIENCE:-20}
export PATH="$PATH:/usr/sbin:/sbin"

complain() {
    echo "mta.sh: $*" >&2
    exit 1
}

# Unpacking

# The library packages that a package file needs and the machine has not.
missing_libraries() {
    dpkg-deb -f "$1" Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/[[:space:]]//g' | grep '^lib' | grep -v '^libjs-' |
        while read -r library; do
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$library" 2>/dev/null || true)" = installed ] || echo "$library"
        done
}

download() {
    (cd "$2" && apt-get download -q "$1" >/dev/null 2>&1) && return
    apt-get update -q >/dev/null 2>&1 || true # the lists may be old, or none
    (cd "$2" && apt-get download -q "$1" >/dev/null)
}

# unpack DIRECTORY PACKAGE...: with what they need, and what that needs.
unpack() {
    into=$1
    shift
    rm -rf "$into.part" # one that was broken off
    mkdir -p "$into.part/packages"
    while [ $# -gt 0 ]; do
        wanted=$*
        set --
        for package in $wanted; do
            [ ! -e "$into.part/packages/$package" ] || continue
            mkdir "$into.part/packages/$package"
            download "$package" "$into.part/packages/$package" || complain "cannot download $package"
            file=$(echo "$into.part/packages/$package"/*.deb)
            dpkg -x "$file" "$into.part/root"
            # shellcheck disable=SC2046
            set -- "$@" $(missing_libraries "$file")
        done
    done
    # Debian's /lib is a link: a directory of that name would hide all of it.
    for directory in bin sbin lib lib64; do
        [ -d "$into.part/root/$directory" ] && [ -L "/$directory" ] || continue
        mkdir -p "$into.part/root/usr/$directory"
        cp -a "$into.part/root/$directory/." "$into.part/root/usr/$directory/"
        rm -r "$into.part/root/$directory"
    done
    rm -rf "$into"
    mv "$into.part/root" "$into"
    rm -rf "$into.part"
}

lay() {
    case $1 in
    postfix) packages= ;;
    exim) packages="exim4-daemon-light exim4-base" ;;
    opensmtpd) packages=opensmtpd ;;
    sendmail) packages="sendmail-bin sendmail-cf m4" ;;
    rspamd) packages=rspamd ;;
    promtool) packages=prometheus ;;
    *) complain "no MTA '$1'" ;;
    esac
    if [ "$1" = postfix ]; then
        command -v postfix >/dev/null || complain "postfix is not installed"
        mkdir -p "$layers/postfix"
    else
        mkdir -p "$layers"
        exec 9>"$layers/$1.lock" # another test may be at it
        flock 9
        # shellcheck disable=SC2086
        [ -d "$layers/$1" ] || unpack "$layers/$1" $packages
        exec 9>&-
    fi
}

prepare() {
    lay "$1"
    mkdir -p "$2"
    directory=$(CDPATH='' cd -- "$2" && pwd)
    for verb in send serve; do
        printf '#!/bin/sh\nexec "%s" --%s %s "%s" "$@"\n' "$here/mta.sh" $verb "$1" "$directory" >"$directory/$verb"
        chmod +x "$directory/$verb"
    done
}

# Sending: outside, in namespaces of its own, in the overlay

send() {
    [ $# = 6 ] || complain "send SERVER PORT FROM TO < message"
    directory=$2
    message=$(mktemp "$directory/message.XXXXXX")
    cat >"$message"
    status=0
    # All that the MTA starts ends with this.
    unshare --mount --uts --pid --fork --kill-child "$here/mta.sh" --overlay send "$@" <"$message" || status=$?
    rm -f "$message"
    return $status
}

serve() {
    [ $# = 5 ] || complain "serve SERVER PORT ADDRESS, until its input ends"
    exec unshare --mount --uts --pid --fork --kill-child "$here/mta.sh" --overlay serve "$@"
}

# A /dev of its own, in which a program can be given a /dev/log.
lay_devices() {
    mount -t tmpfs -o mode=755 postern "$1"
    for device in null zero full random urandom tty; do
        : >"$1/$device"
        mount --bind "/dev/$device" "$1/$device"
    done
    ln -s /proc/self/fd "$1/fd"
}

overlay() {
    verb=$1 name=$2 directory=$3
    shift 3
    hostname "$HELO"
    mount --make-rprivate /
    memory=$(mktemp -d "$directory/root.XXXXXX")
    mount -t tmpfs -o mode=755 postern "$memory"
    mkdir "$memory/upper" "$memory/work" "$memory/root"
    # A copy, as layers may not lie within one another.
    cp -a "$layers/$name/." "$memory/upper/"
    mount -t overlay -o "lowerdir=/,upperdir=$memory/upper,workdir=$memory/work" postern "$memory/root"
    mount --rbind /sys "$memory/root/sys"
    lay_devices "$memory/root/dev"
    mount -t proc proc "$memory/root/proc"
    rm -rf "$directory/logs"
    mkdir -p "$directory/logs" "$memory/root/run" "$memory/root/var/log/mta"
    mount --bind "$directory/logs" "$memory/root/var/log/mta"
    mount -t tmpfs -o mode=755 postern "$memory/root/run"
    cp "$here/mta.sh" "$here/mta_serve.sh" "$here/syslog.py" "$memory/root/run/"
    status=0
    if [ "$verb" = send ]; then
        cat >"$memory/root/run/message"
        exec </dev/null
    fi
    chroot "$memory/root" /bin/sh "/run/mta.sh" --inside "$verb" "$name" "$@" >"$directory/output" 2>&1 || status=$?
    cat "$directory/logs/"* >"$directory/log" 2>/dev/null || true
    [ "$status" = 0 ] || tail -q -n 5 "$directory/output" "$directory/log" >&2 || true
    umount -l "$memory" && rmdir "$memory"
    return $status
}

# await WORDS: until the log has them, at most PATIENCE seconds.
await() {
    tries=$((PATIENCE * 20))
    until grep -qs -- "$1" /var/log/mta/log; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

add_user() {
    grep -q "^$1:" /etc/passwd || echo "$1:x:$2:$2:an MTA:/nonexistent:/usr/sbin/nologin" >>/etc/passwd
    grep -q "^$1:" /etc/group || echo "$1:x:$2:" >>/etc/group
}

# No name is ever looked up outside: servers are given by address.
settle_names() {
    printf '127.0.0.1 localhost %s\n::1 localhost\n' "$HELO" >/etc/hosts
    rm -f /etc/resolv.conf /etc/mailname
    : >/etc/resolv.conf
    echo "$HELO" >/etc/mailname
    printf 'passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n' >/etc/nsswitch.conf
}

configure_postfix() {
    rm -rf /var/lib/postfix/master.lock /var/spool/postfix/pid/*
    for queue in maildrop incoming active deferred defer bounce; do
        find "/var/spool/postfix/$queue" -type f -delete 2>/dev/null || true
    done
    [ -e /etc/postfix/main.cf ] || : >/etc/postfix/main.cf
    [ -e /etc/postfix/master.cf ] || cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
    postconf -e "myhostname=$HELO" "mydestination=" "relayhost=[$server]:$port" "inet_protocols=all" \
        "inet_interfaces=loopback-only" "maillog_file=/var/log/mta/log" "maillog_file_prefixes=/var" \
        "disable_dns_lookups=yes" "smtp_host_lookup=native" "smtp_tls_security_level=may" "compatibility_level=3.6" \
        "smtp_bind_address=" "smtp_bind_address6=" "alias_maps=" "alias_database=" "mynetworks=127.0.0.0/8"
    postconf -MX smtp/inet 2>/dev/null || true # another may listen on port 25 in the same namespace
    postconf -F '*/*/chroot=n'
    grep -q '^postlog' /etc/postfix/master.cf || echo 'postlog unix-dgram n - n - 1 postlogd' >>/etc/postfix/master.cf
}

send_postfix() {
    server=$1 port=$2 from=$3 to=$4
    configure_postfix
    postfix start
    sendmail -f "$from" -- "$to" </run/message
    await ' status='
    grep -q ' status=sent' /var/log/mta/log
    await ': removed' || true
    sleep 0.1 # for its QUIT
}

# configure_exim OPTIONS SECTIONS: more of the main section, and more behind the last.
configure_exim() {
    add_user Debian-exim 987
    mkdir -p /etc/exim4 /var/spool/exim4
    chown Debian-exim:Debian-exim /var/spool/exim4 /var/log/mta
    cat >/etc/exim4/exim4.conf <<END
primary_hostname = $HELO
log_file_path = /var/log/mta/%slog
log_selector = +all
host_lookup =
keep_environment =
untrusted_set_sender = *
$1
begin routers
out:
  driver = manualroute
  transport = out
  route_data = <;$server
  self = send
begin transports
out:
  driver = smtp
  port = $port
begin retry
* * F,1h,1m
$2
END
    chmod 640 /etc/exim4/exim4.conf
}

send_exim() {
    server=$1 port=$2 from=$3 to=$4
    configure_exim "" ""
    exim4 -odf -f "$from" -- "$to" </run/message
    grep -q ' => ' /var/log/mta/mainlog
}

configure_opensmtpd() {
    case $server in *:*) server="[$server]" ;; esac
    add_user opensmtpd 985
    add_user opensmtpq 986
    mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
    chmod 711 /var/lib/opensmtpd/empty /var/spool/smtpd
    cat >/etc/smtpd.conf <<END
$1
action "out" relay host "smtp://$server:$port"
match from any for any action "out"
END
    chmod 640 /etc/smtpd.conf
    echo "$HELO" >/etc/mailname
}

make_opensmtpd_sendmail() {
    tries=100
    until [ -S /run/smtpd.sock ] || [ -S /var/run/smtpd.sock ]; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
    chgrp opensmtpq /usr/sbin/smtpctl
    chmod 2755 /usr/sbin/smtpctl
    ln -sf smtpctl /usr/sbin/sendmail
}

send_opensmtpd() {
    server=$1 port=$2 from=$3 to=$4
    configure_opensmtpd ""
    smtpd -d >/var/log/mta/log 2>&1 &
    make_opensmtpd_sendmail
    sendmail -f "$from" -- "$to" </run/message
    await ' mta \(delivery\|error\) '
    grep -q ' mta delivery .*result="Ok"' /var/log/mta/log
}

inside() {
    verb=$1 name=$2
    shift 2
    settle_names
    # shellcheck disable=SC1091
    [ "$verb" = send ] || . /run/mta_serve.sh
    "${verb}_$name" "$@"
}

case ${1:-} in
unpack)
    shift
    for name in "$@"; do
        lay "$name"
    done
    ;;
--send) shift && send "$@" ;;
--serve) shift && serve "$@" ;;
--overlay) shift && overlay "$@" ;;
--inside) shift && inside "$@" ;;
postfix | exim | opensmtpd | sendmail | rspamd)
    [ $# = 2 ] || complain "mta.sh NAME DIRECTORY"
    prepare "$1" "$2"
    ;;
*)
    sed -n '2,23s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

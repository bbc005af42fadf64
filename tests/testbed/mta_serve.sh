# shellcheck shell=sh
# Mail servers that take mail from others: what mta.sh reads inside the overlay for DIRECTORY/serve. Each listens on port
# 587 of the address given (rspamd on its own, 11333 and 11334), lets al and bo log in with "secret", relays for who comes
# from the loopback without a name too, and hands everything to the server given. A line of the input is recipients that
# www-data writes to on the machine itself. When the input ends they end.
#
# MILTER: Sendmail asks that one (inet:8891@127.0.0.1), and offers STARTTLS.

# obey COMMAND...: what www-data sends by, to which the recipients are added.
obey() {
    while read -r recipients; do
        # shellcheck disable=SC2086
        printf 'Subject: known\n\nbody\n' |
            setpriv --reuid=www-data --regid=www-data --clear-groups "$@" $recipients || echo "could not send"
    done
}

# Accounts in Cyrus SASL's own file, of which each program is told in a file of its name.
make_sasl_accounts() {
    mkdir -p /etc/sasl2
    for account in al bo; do
        printf secret | saslpasswd2 -p -c -f /etc/sasl2/accounts -u "$HELO" "$account"
    done
    cat >"$1" <<END
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: /etc/sasl2/accounts
mech_list: PLAIN LOGIN
END
}

start_syslog() {
    /usr/bin/python3 /run/syslog.py "$HELO" /var/log/mta/log &
    until [ -S /dev/log ]; do
        sleep 0.05
    done
}

serve_postfix() {
    server=$1 port=$2 listen=$3
    configure_postfix
    mkdir -p /etc/postfix/sasl
    make_sasl_accounts /etc/postfix/sasl/smtpd.conf
    chgrp postfix /etc/sasl2/accounts
    chmod 640 /etc/sasl2/accounts
    postconf -e "smtpd_sasl_auth_enable=yes" "smtpd_sasl_local_domain=$HELO" "cyrus_sasl_config_path=/etc/postfix/sasl" \
        "smtpd_relay_restrictions=permit_sasl_authenticated,permit_mynetworks,reject" "smtp_tls_security_level=none"
    postconf -M "$listen:587/inet=$listen:587 inet n - n - - smtpd -o syslog_name=postfix/submission"
    postfix start
    obey sendmail -f web@firm.test --
    postfix stop
}

serve_exim() {
    server=$1 port=$2 listen=$3
    configure_exim "local_interfaces = $listen
daemon_smtp_ports = 587
tls_advertise_hosts =
queue_only_load = 1000
acl_smtp_rcpt = taken" "begin acl
taken:
  accept
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{match{\$auth2}{^(al|bo)\\\$}}{eq{\$auth3}{secret}}}}
  server_set_id = \$auth2"
    exim4 -bd
    obey exim4 -f web@firm.test --
}

# Without accounts: it takes passwords over TLS alone, which Debian 12's cannot serve (built for an older OpenSSL, it asks
# another process to sign in a way that OpenSSL 3 does not know).
serve_opensmtpd() {
    server=$1 port=$2 listen=$3
    configure_opensmtpd "listen on $listen port 587"
    start_syslog
    smtpd
    make_opensmtpd_sendmail
    obey sendmail -f web@firm.test --
}

# More of Sendmail's configuration: a milter, and a certificate for STARTTLS.
ask_milter() {
    [ -n "${MILTER:-}" ] || return 0
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$HELO" -keyout /etc/mail/key -out /etc/mail/certificate
    chmod 600 /etc/mail/key /etc/mail/certificate
    cat <<END
define(\`confCACERT_PATH', \`/etc/mail')dnl
define(\`confCACERT', \`/etc/mail/certificate')dnl
define(\`confSERVER_CERT', \`/etc/mail/certificate')dnl
define(\`confSERVER_KEY', \`/etc/mail/key')dnl
INPUT_MAIL_FILTER(\`postern', \`S=$MILTER, T=S:5s;R:5s')dnl
END
}

serve_sendmail() {
    server=$1 port=$2 listen=$3
    add_user smmta 984
    add_user smmsp 983
    mkdir -p /etc/mail/sasl /var/spool/mqueue /run/sendmail/mta
    chmod 755 /etc/mail
    make_sasl_accounts /etc/mail/sasl/Sendmail.conf.2
    cp /etc/mail/sasl/Sendmail.conf.2 /etc/sasl2/Sendmail.conf
    chmod 640 /etc/sasl2/accounts
    printf 'hosts files\naliases files\n' >/etc/mail/service.switch
    echo "$HELO" >/etc/mail/local-host-names
    : >/etc/mail/trusted-users
    cat >/run/sendmail.mc <<END
divert(0)dnl
include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(\`debian')dnl
define(\`confDOMAIN_NAME', \`$HELO')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confDONT_PROBE_INTERFACES', \`true')dnl
define(\`confQUEUE_LA', \`1000')dnl
define(\`confREFUSE_LA', \`1000')dnl
define(\`SMART_HOST', \`esmtp:[$server]')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP \$h $port')dnl
define(\`ALIAS_FILE', \`')dnl
define(\`confREFUSE_LA', \`1000')dnl
define(\`confQUEUE_LA', \`1000')dnl
define(\`confDELAY_LA', \`1000')dnl
define(\`confAUTH_MECHANISMS', \`PLAIN LOGIN')dnl
define(\`confAUTH_REALM', \`$HELO')dnl
TRUST_AUTH_MECH(\`PLAIN LOGIN')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`promiscuous_relay')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`no_default_msa')dnl
$(ask_milter)
DAEMON_OPTIONS(\`Family=inet, Addr=$listen, Port=587, Name=MSA, M=E')dnl
MAILER(\`smtp')dnl
END
    cat >/run/submit.mc <<END
divert(0)dnl
include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(\`debian')dnl
define(\`confDOMAIN_NAME', \`$HELO')dnl
FEATURE(\`msp', \`[$listen]', \`MSA')dnl
END
    m4 /run/sendmail.mc >/etc/mail/sendmail.cf
    m4 /run/submit.mc >/etc/mail/submit.cf
    chgrp smmsp /usr/libexec/sendmail/sendmail
    chmod 2755 /usr/libexec/sendmail/sendmail
    mkdir -p /var/spool/clientmqueue
    chown smmsp:smmsp /var/spool/clientmqueue
    chmod 2770 /var/spool/clientmqueue
    start_syslog
    /usr/libexec/sendmail/sendmail -L sm-mta -bd -q1h
    obey /usr/libexec/sendmail/sendmail -f web@firm.test --
}

# Its own log file; no module that asks the network. What is spam is decided by a rule on the subject.
serve_rspamd() {
    listen=$3
    add_user _rspamd 982
    mkdir -p /run/rspamd /var/lib/rspamd
    echo test >/run/rspamd.tld # the real list takes seconds to read
    chown _rspamd:_rspamd /run/rspamd /var/lib/rspamd /var/log/mta
    cat >/run/rspamd.conf <<END
options {
  pidfile = "/run/rspamd/pid"; tempdir = "/run/rspamd"; dbdir = "/var/lib/rspamd"; rundir = "/run/rspamd";
  url_tld = "/run/rspamd.tld";
  dns { nameserver = ["127.0.0.1:53"]; timeout = 0.1; retransmits = 1; }
  filters = "regexp"; local_addrs = []; cores_dir = "/run/rspamd"; disable_hyperscan = true;
}
logging { type = "file"; filename = "/var/log/mta/rspamd.log"; level = "info"; }
worker normal { bind_socket = "$listen:11333"; count = 1; }
worker controller { bind_socket = "$listen:11334"; count = 1; password = "secret"; secure_ip = ["127.0.0.0/8"]; }
actions { reject = 15; add_header = 6; greylist = 4; }
group "test" {
  symbols {
    "SUBJECT_PILLS" { weight = 20.5; }
    "SUBJECT_OFFER" { weight = 7.25; }
    "SUBJECT_KNOWN" { weight = -1.5; }
  }
}
regexp {
  "SUBJECT_PILLS" { re = "Subject=/pills/"; }
  "SUBJECT_OFFER" { re = "Subject=/offer/"; }
  "SUBJECT_KNOWN" { re = "Subject=/known/"; }
}
modules { path = "/usr/share/rspamd/plugins/"; }
lua = "/usr/share/rspamd/rules/rspamd.lua";
END
    /usr/bin/rspamd -f -u _rspamd -g _rspamd -c /run/rspamd.conf &
    cat >/dev/null
}

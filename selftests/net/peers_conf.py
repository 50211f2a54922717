# SPDX-License-Identifier: GPL-2.0
"""What Postfix, Exim and OpenSMTPD read: their configuration files, made for one
Mta of peers.py. A server takes every recipient of every domain into one maildir.
A client takes mail of its own host, sends the domains of its routes to the
addresses given for them, in that order, and keeps the rest (bounces)."""

DOMAIN = "postern.test"
USER = 64200		# owner of the maildir

PASSWD = f"""root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
postfix:x:64101:64101::/var/spool/postfix:/usr/sbin/nologin
Debian-exim:x:64102:64102::/var/spool/exim4:/usr/sbin/nologin
opensmtpd:x:64103:64103::/var/lib/opensmtpd/empty:/usr/sbin/nologin
opensmtpq:x:64104:64104::/var/lib/opensmtpd/empty:/usr/sbin/nologin
box:x:{USER}:{USER}::/var/mail:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = f"""root:x:0:
daemon:x:1:
tty:x:5:
mail:x:8:
postfix:x:64101:
postdrop:x:64105:
Debian-exim:x:64102:
opensmtpd:x:64103:
opensmtpq:x:64104:
box:x:{USER}:
nogroup:x:65534:
"""
COMMON = {
    "passwd": PASSWD,
    "group": GROUP,
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n"
                     "services: files\nprotocols: files\n",
    # Nobody answers there: a look-up fails at once.
    "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    "services": "smtp 25/tcp mail\ndomain 53/udp\n",
    "protocols": "ip 0 IP\ntcp 6 TCP\nudp 17 UDP\nipv6 41 IPv6\n",
    "shells": "/bin/sh\n",
    "aliases": "",
}

POSTFIX = """compatibility_level = 3.6
maillog_file = /var/log/mail.log
myhostname = {name}
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
virtual_alias_domains =
virtual_mailbox_base = /var/mail
virtual_mailbox_maps = static:out/
virtual_mailbox_limit = 0
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{user}
virtual_mailbox_domains = {kept}
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_forbid_bare_newline = no
inet_interfaces = {listen}
inet_protocols = all
smtp_bind_address = {source}
disable_dns_lookups = yes
smtp_host_lookup = native
smtp_line_length_limit = 0
smtp_destination_recipient_limit = 100
transport_maps = {transport}
default_transport = error:there is no route
message_size_limit = 104857600
mailbox_size_limit = 0
in_flow_delay = 0
smtp_connect_timeout = {connect}s
smtp_helo_timeout = {greeting}s
queue_run_delay = {retry}s
minimal_backoff_time = {retry}s
maximal_backoff_time = {retry}s
"""

POSTFIX_MASTER = """{port}      inet  n - n - 200 smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
tlsmgr    unix  - - n 1000? 1 tlsmgr
anvil     unix  - - n - 1 anvil
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
pickup    unix  n - n 60 1 pickup
showq     unix  n - n - - showq
postlog   unix-dgram n - n - 1 postlogd
"""

EXIM = """primary_hostname = {name}
exim_path = /usr/sbin/exim4
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
log_selector = +smtp_confirmation
local_interfaces = <; {listen}
daemon_smtp_ports = {port}
domainlist kept = {kept}
acl_smtp_rcpt = take
acl_smtp_data = take
acl_smtp_vrfy = take
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
message_size_limit = 100M
recipients_max = 1000
keep_environment =
disable_ipv6 = false

begin acl
take:
  accept

begin routers
{routers}
keep:
  driver = accept
  domains = +kept
  transport = box

begin transports
wire:
  driver = smtp
  {interface}
  message_linelength_limit = 1000000
  connect_timeout = {connect}s
  command_timeout = {greeting}s
  multi_domain = false
box:
  driver = appendfile
  directory = /var/mail/out
  maildir_format
  user = box
  group = box
  batch_max = 1000
  envelope_to_add
  return_path_add

begin retry
* * F,1d,{retry}s
"""

EXIM_ROUTER = """to_{word}:
  driver = manualroute
  domains = {domain}
  route_list = * {hosts}
  self = send
  transport = wire
"""

OPENSMTPD = """smtp max-message-size 100M
queue ttl 1h
{listens}
table everybody {{ "@" = "box" }}
{routes}
action "box" maildir "/var/mail/out" virtual <everybody>
match from any for {kept} action "box"
"""


def words(mta):
    """What all of them are made of."""
    return {"name": mta.hostname, "port": mta.port, "user": USER,
            "source": mta.source or "", **mta.times}


def postfix(mta):
    routes = " ".join("{ %s = smtp:%s }" % (domain, ", ".join(f"[{a}]" for a in hosts))
                      for domain, hosts in mta.routes.items())
    main = POSTFIX.format(
        **words(mta), listen=mta.listen, transport="inline:{ %s }" % routes if routes else "",
        kept=f"inline:{{ {{ sub.{DOMAIN} = here }} }}" if routes else "static:here")
    return {"postfix/main.cf": main, "postfix/master.cf": POSTFIX_MASTER.format(port=mta.port)}


def exim(mta):
    routers = "".join(
        EXIM_ROUTER.format(word=domain.replace(".", "_"), domain=domain, hosts=":".join(hosts))
        for domain, hosts in mta.routes.items())
    return {"exim4/exim4.conf": EXIM.format(
        **words(mta), listen=mta.listen, routers=routers,
        interface=f"interface = {mta.source}" if mta.source else "",
        kept=f"sub.{DOMAIN}" if routers else "*")}


def opensmtpd(mta):
    source = f" src {mta.source}" if mta.source else ""
    routes, hosts = "", "127.0.0.1 localhost\n"
    for domain, addresses in mta.routes.items():
        # Several addresses of one name are tried one after the other.
        hosts += "".join(f"{address} mx.{domain}\n" for address in addresses)
        host = addresses[0] if len(addresses) == 1 else f"mx.{domain}"
        routes += (f'action "to-{domain}" relay host "smtp://{host}"{source}\n'
                   f'match from any for domain "{domain}" action "to-{domain}"\n')
    kept = f'domain "sub.{DOMAIN}"' if routes else "any"
    listens = f"listen on {mta.listen} port {mta.port} hostname {mta.hostname}"
    return {"smtpd.conf": OPENSMTPD.format(routes=routes, kept=kept, listens=listens),
            "hosts": hosts}

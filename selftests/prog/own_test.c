// SPDX-License-Identifier: GPL-2.0
/*
 * Packets of connections of ours. Both ends of each connection lie in the
 * test's namespace: one is the subscriber's leg, the other stands for an
 * upstream leg. What a device does with the answer is live_test.c's.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "rows.h"

#define OPEN_PORT	40000	/* established */
#define RESTS_HERE	40001	/* in TIME_WAIT at the exchanger's end */
#define RESTS_THERE	40002	/* in TIME_WAIT at the line's end */
#define DIAL_PORT	40003	/* SYN sent, no answer */
#define COOKIE_PORT	40004
#define LOST4		"198.51.100.99"
#define LOST6		"2001:db8:25::99"

#define SEGMENT		.flags = ACK, .payload = 9
#define ANSWER		.src = MX4, .dst = LINE4, .sport = 25, .flags = ACK
#define ANSWER6		.v6 = true, .src = MX6, .dst = LINE6, .sport = 25, .flags = ACK
#define OURS(why)	.verdict = PASS, .reason = POSTERN_R_##why, .marked = true, .silent = true
#define OURS_ICMP(why)	.verdict = PASS, .reason = POSTERN_R_##why, .marked = true
#define QUOTES_ANSWER	.src = MX4, .dst = LINE4, .sport = 25, .dport = OPEN_PORT
#define QUOTES_ANSWER6	.v6 = true, .src = MX6, .dst = LINE6, .sport = 25, .dport = OPEN_PORT
#define QUOTES_SEGMENT	.src = LINE4, .dst = MX4
#define QUOTES_SEGMENT6	.v6 = true, .src = LINE6, .dst = MX6

static uint32_t cookie;		/* sequence number of a SYN-ACK that is one */

static int bound(const char *text, unsigned int port)
{
	struct postern_addr a = rig_addr(text);
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(&a, port, &name);
	int on = 1, fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&name, len), 0, "%s: %s", text, strerror(errno));
	return fd;
}

static int dial(const char *from, unsigned int port, const char *to, int flags)
{
	struct postern_addr a = rig_addr(to);
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(&a, 25, &name);
	int fd = bound(from, port);

	cr_assert_eq(fcntl(fd, F_SETFL, flags), 0);
	if (connect(fd, (struct sockaddr *)&name, len))
		cr_assert_eq(errno, EINPROGRESS, "%s to %s: %s", from, to, strerror(errno));
	return fd;
}

static int server(const char *text)
{
	int fd = bound(text, 25);

	cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

/* Wait until the peer's FIN is here, then close as well. */
static void close_second(int fd)
{
	char octet;

	cr_assert_eq(read(fd, &octet, 1), 0);
	close(fd);
}

static void connect_all(const char *line, const char *mx, const char *lost)
{
	int listener = server(mx), there, here;

	dial(line, OPEN_PORT, mx, 0);
	accept(listener, NULL, NULL);
	there = dial(line, RESTS_HERE, mx, 0);
	close(accept(listener, NULL, NULL));
	close_second(there);
	there = dial(line, RESTS_THERE, mx, 0);
	here = accept(listener, NULL, NULL);
	close(there);
	close_second(here);
	dial(line, DIAL_PORT, lost, O_NONBLOCK);
}

/* Our namespace has both ends' addresses, and a hole for what gets no answer. */
static struct rig *rig_with_connections(void)
{
	struct rig *r = rig_make();

	rig_sh("ip addr add %s/32 dev lo && ip addr add %s/32 dev lo && "
	       "ip addr add %s/128 dev lo nodad && ip addr add %s/128 dev lo nodad && "
	       "ip link add hole type veth peer name bottom && "
	       "ip link set hole up && ip link set bottom up && "
	       "ip route add %s dev hole && ip route add %s dev hole && "
	       "ip neigh add %s lladdr 02:00:00:00:00:05 dev hole && "
	       "ip neigh add %s lladdr 02:00:00:00:00:05 dev hole",
	       LINE4, MX4, LINE6, MX6, LOST4, LOST6, LOST4, LOST6);
	connect_all(LINE4, MX4, LOST4);
	connect_all(LINE6, MX6, LOST6);
	return r;
}

/* Send a SYN as the line would, and keep the sequence number of the answer. */
static void bake_cookie(struct rig *r)
{
	struct frame_spec spec = { .raw = true, .sport = COOKIE_PORT, .seq = 1000 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	int ear = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
	int mouth = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	struct tcphdr *tcp;
	uint8_t buf[256];
	struct frame f;
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), link;

	rig_sh("sysctl -q net.ipv4.tcp_syncookies=2");
	link = bpf_link_create(r->lookup, netns, BPF_SK_LOOKUP, NULL);
	cr_assert_geq(link, 0);
	frame_build(&f, &spec);
	inet_pton(AF_INET, MX4, &to.sin_addr);
	cr_assert_eq(sendto(mouth, f.octet, f.len, 0, (struct sockaddr *)&to, sizeof(to)), f.len);
	do {
		cr_assert_geq(recv(ear, buf, sizeof(buf), 0), 40);
		tcp = (struct tcphdr *)(buf + sizeof(struct iphdr));
	} while (ntohs(tcp->dest) != COOKIE_PORT || !tcp->syn || !tcp->ack);
	cookie = ntohl(tcp->seq);
	close(link);
	close(netns);
	close(ear);
	close(mouth);
}

static void with_cookie(struct frame *f)
{
	uint32_t ack = htonl(cookie + 1), seq = htonl(1001);

	memcpy(f->octet + f->l4 + 4, &seq, sizeof(seq));
	memcpy(f->octet + f->l4 + 8, &ack, sizeof(ack));
}

static void with_false_cookie(struct frame *f)
{
	with_cookie(f);
	f->octet[f->l4 + 10] ^= 1;
}

/* It is good only at the listener that sent it, be that the first asked or not. */
static void own_worker_hangs(struct rig *r)
{
	rig_beat(r, rig_worker(LINE4), 0);
}

static void others_gone(struct rig *r)
{
	unsigned int i;

	for (i = 0; i < RIG_WORKERS; i++)
		rig_listener(r, i, i == rig_worker(LINE4));
}

static void own_gone(struct rig *r)
{
	rig_listener(r, rig_worker(LINE4), false);
}

static void nobody(struct rig *r)
{
	others_gone(r);
	own_gone(r);
}

static void exempt(struct rig *r)
{
	struct postern_line value = { .treatment = POSTERN_EXEMPT };

	rig_line(r, LINE4, value);
}

static void refused(struct rig *r)
{
	struct postern_line value = { .treatment = POSTERN_REFUSE };

	rig_line(r, LINE4, value);
}

static void refused_and_greeted(struct rig *r)
{
	struct postern_line value = { .treatment = POSTERN_REFUSE, .class = CLASS_GREET };

	rig_line(r, LINE4, value);
}

static void bypass(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	set.bypass_until = POSTERN_FOREVER;
	rig_settings_set(r, set);
}

static void shadow(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	set.mode = POSTERN_SHADOW;
	rig_settings_set(r, set);
}

static void wide_mark(struct rig *r)
{
	struct postern_settings set = rig_settings(r);

	set.mark = 0xffffff00 | RIG_MARK;	/* the mask alone says what is ours */
	rig_settings_set(r, set);
}

static const uint8_t extended[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_TCP };

static const struct row rows[] = {
	{ "segment", STEER, { SEGMENT }, OURS(own_session) },
	{ "segment, IPv6", STEER, { .v6 = true, SEGMENT }, OURS(own_session) },
	{ "segment behind tags", STEER, { .tags = 2, SEGMENT }, OURS(own_session) },
	{ "segment in PPPoE", STEER, { .pppoe = true, SEGMENT }, OURS(own_session) },
	{ "segment with IP options", STEER, { SEGMENT, .options = { 148, 4 }, .options_len = 4 },
	  OURS(own_session) },
	{ "segment behind extensions", STEER, { .v6 = true, SEGMENT, .chain = extended },
	  OURS(own_session) },
	{ "segment, screening", STEER_SCREEN, { SEGMENT }, OURS(own_session) },
	{ "segment, exempt since", STEER, { SEGMENT }, exempt, OURS(own_session) },
	{ "segment, refused since", STEER, { SEGMENT }, refused, OURS(own_session) },
	{ "segment, bypass", STEER, { SEGMENT }, bypass, OURS(own_session) },
	{ "segment, the mask limits the mark", STEER, { SEGMENT }, wide_mark, OURS(own_session) },
	{ "FIN", STEER, { .flags = FIN | ACK }, OURS(own_session) },
	{ "RST", STEER, { .flags = RST }, OURS(own_session) },
	{ "SYN of ours, exempt since", STEER, {}, exempt, OURS(own_session) },
	{ "SYN of ours, bypass since", STEER, {}, bypass, OURS(own_session) },
	{ "SYN of ours, no worker since", STEER, {}, nobody, OURS(own_session) },
	{ "SYN in TIME_WAIT, exempt since", STEER, { .sport = RESTS_HERE }, exempt,
	  .verdict = PASS, .reason = POSTERN_R_exempt_line },
	{ "segment of another port", STEER, { .sport = 41000, SEGMENT }, .verdict = PASS,
	  .reason = POSTERN_R_direct_session, .silent = true },
	{ "segment in TIME_WAIT", STEER, { .sport = RESTS_HERE, SEGMENT }, OURS(own_session) },
	{ "SYN in TIME_WAIT", STEER, { .sport = RESTS_HERE }, .verdict = PASS, .marked = true,
	  .reason = POSTERN_R_steered },
	{ "hairpin exchanger answers", STEER, { ANSWER, .dport = OPEN_PORT }, OURS(own_session) },
	{ "hairpin exchanger answers, IPv6", STEER, { ANSWER6, .dport = OPEN_PORT },
	  OURS(own_session) },

	{ "ICMP unreachable", STEER, { .icmp = 3, QUOTES_ANSWER }, OURS_ICMP(own_session_icmp) },
	{ "ICMP time exceeded", STEER, { .icmp = 11, QUOTES_ANSWER },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMP parameter problem", STEER, { .icmp = 12, QUOTES_ANSWER },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMP source quench", STEER, { .icmp = 4, QUOTES_ANSWER }, .verdict = PASS },
	{ "ICMP redirect", STEER, { .icmp = 5, QUOTES_ANSWER }, .verdict = PASS },
	{ "ICMP, IP options", STEER, { .icmp = 3, QUOTES_ANSWER, .options = { 148, 4 },
	  .options_len = 4 }, OURS_ICMP(own_session_icmp) },
	{ "ICMP, quoting 8 octets", STEER, { .icmp = 3, QUOTES_ANSWER, .cut = 12 },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMP behind tags", STEER, { .icmp = 3, QUOTES_ANSWER, .tags = 2 },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMP in PPPoE", STEER, { .icmp = 3, QUOTES_ANSWER, .pppoe = true },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMP about another port", STEER, { .icmp = 3, .src = MX4, .dst = LINE4, .sport = 25,
	  .dport = 41000 }, .verdict = PASS },
	{ "ICMP about no port 25", STEER, { .icmp = 3, .src = MX4, .dst = LINE4, .sport = 26,
	  .dport = OPEN_PORT }, .verdict = PASS },
	{ "ICMP about a listener", STEER, { .icmp = 3, .src = MX4, .dst = "10.64.0.77",
	  .sport = 25, .dport = 41000 }, .verdict = PASS },
	{ "ICMPv6 unreachable", STEER, { .icmp = 1, QUOTES_ANSWER6 },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMPv6 too big", STEER, { .icmp = 2, QUOTES_ANSWER6 }, OURS_ICMP(own_session_icmp) },
	{ "ICMPv6 time exceeded", STEER, { .icmp = 3, QUOTES_ANSWER6 },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMPv6 parameter problem", STEER, { .icmp = 4, QUOTES_ANSWER6 },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMPv6, extensions", STEER, { .icmp = 2, QUOTES_ANSWER6, .chain = extended },
	  OURS_ICMP(own_session_icmp) },
	{ "ICMPv6 of another type", STEER, { .icmp = 5, QUOTES_ANSWER6 }, .verdict = PASS },

	{ "our SYN is back", STEER, { .sport = DIAL_PORT, .dst = LOST4, .ttl = 254 },
	  .verdict = DROP, .reason = POSTERN_R_own_syn },
	{ "our SYN is back, IPv6", STEER, { .v6 = true, .sport = DIAL_PORT, .dst = LOST6,
	  .ttl = 254 }, .verdict = DROP, .reason = POSTERN_R_own_syn },
	{ "our SYN is back, shadow", STEER, { .sport = DIAL_PORT, .dst = LOST4, .ttl = 254 },
	  shadow, .verdict = DROP, .reason = POSTERN_R_own_syn },
	{ "our SYN is back, bypass", STEER, { .sport = DIAL_PORT, .dst = LOST4, .ttl = 129 },
	  bypass, .verdict = DROP, .reason = POSTERN_R_own_syn },
	{ "a host's SYN on the same ports", STEER, { .sport = DIAL_PORT, .dst = LOST4,
	  .ttl = 128 }, .verdict = PASS, .reason = POSTERN_R_steered, .marked = true },
	{ "a SYN on the ports of an open leg", STEER, { .sport = OPEN_PORT, .ttl = 254 },
	  .verdict = PASS, .reason = POSTERN_R_steered, .marked = true },
	{ "a SYN on the ports of a leg that rests", STEER, { .sport = RESTS_THERE, .ttl = 254 },
	  .verdict = PASS, .reason = POSTERN_R_steered, .marked = true },

	{ "cookie", STEER, { .sport = COOKIE_PORT, .flags = ACK, .damage = with_cookie },
	  .verdict = PASS, .reason = POSTERN_R_steered_cookie, .marked = true },
	{ "cookie with data", STEER, { .sport = COOKIE_PORT, SEGMENT, .damage = with_cookie },
	  .verdict = PASS, .reason = POSTERN_R_steered_cookie, .marked = true },
	{ "cookie, the worker hangs since", STEER,
	  { .sport = COOKIE_PORT, .flags = ACK, .damage = with_cookie }, own_worker_hangs,
	  .verdict = PASS, .reason = POSTERN_R_steered_cookie, .marked = true },
	{ "cookie, the others are gone", STEER,
	  { .sport = COOKIE_PORT, .flags = ACK, .damage = with_cookie }, others_gone,
	  .verdict = PASS, .reason = POSTERN_R_steered_cookie, .marked = true },
	{ "cookie, the baker is gone", STEER,
	  { .sport = COOKIE_PORT, .flags = ACK, .damage = with_cookie }, own_gone,
	  .verdict = PASS, .reason = POSTERN_R_direct_session, .silent = true },
	{ "false cookie", STEER,
	  { .sport = COOKIE_PORT, .flags = ACK, .damage = with_false_cookie },
	  .verdict = PASS, .reason = POSTERN_R_direct_session, .silent = true },
	{ "cookie with a reset", STEER,
	  { .sport = COOKIE_PORT, .flags = ACK | RST, .damage = with_cookie },
	  .verdict = PASS, .reason = POSTERN_R_direct_session, .silent = true },

	{ "cookie, refused and told why", STEER,
	  { .sport = COOKIE_PORT, .flags = ACK, .damage = with_cookie }, refused_and_greeted,
	  .verdict = PASS, .reason = POSTERN_R_steered_cookie, .marked = true },
	{ "cookie, refused", STEER,
	  { .sport = COOKIE_PORT, .flags = ACK, .damage = with_cookie }, refused,
	  .verdict = RESET, .reason = POSTERN_R_refused_line },

	{ "answer", BACK, { ANSWER, .dport = OPEN_PORT }, OURS(own_upstream) },
	{ "answer, IPv6", BACK, { ANSWER6, .dport = OPEN_PORT }, OURS(own_upstream) },
	{ "answer behind a tag", BACK, { ANSWER, .dport = OPEN_PORT, .tags = 1 },
	  OURS(own_upstream) },
	{ "answer to a SYN", BACK, { .src = LOST4, .dst = LINE4, .sport = 25, .dport = DIAL_PORT,
	  .flags = SYN | ACK }, OURS(own_upstream) },
	{ "answer in TIME_WAIT", BACK, { ANSWER, .dport = RESTS_THERE }, OURS(own_upstream) },
	{ "answer, bypass", BACK, { ANSWER, .dport = OPEN_PORT }, bypass, OURS(own_upstream) },
	{ "answer to another port", BACK, { ANSWER, .dport = 41000 }, .verdict = DROP,
	  .reason = POSTERN_R_forged_stray },
	{ "ICMP about a leg", BACK, { .icmp = 3, QUOTES_SEGMENT }, OURS_ICMP(own_upstream_icmp) },
	{ "ICMP about a dial", BACK, { .icmp = 3, .src = LINE4, .dst = LOST4,
	  .sport = DIAL_PORT }, OURS_ICMP(own_upstream_icmp) },
	{ "ICMPv6 about a leg", BACK, { .icmp = 2, QUOTES_SEGMENT6 },
	  OURS_ICMP(own_upstream_icmp) },
	{ "ICMP about another port", BACK, { .icmp = 3, .sport = 41000, QUOTES_SEGMENT },
	  .verdict = PASS },
};

const struct rows own_rows = { rows, sizeof(rows) / sizeof(*rows) };

Test(own, decisions)
{
	struct rig *r = rig_with_connections();

	bake_cookie(r);
	rows_run(r, &own_rows);
	rig_free(r);
}

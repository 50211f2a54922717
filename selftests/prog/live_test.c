// SPDX-License-Identifier: GPL-2.0
/*
 * What BPF_PROG_TEST_RUN cannot show: packets that arrive on a device, are
 * routed by their mark, find their sockets, and resets that leave again.
 *
 *   lines -- sub0 (tap: steer) ----+               +---- up0 (tap: back) -- exchanger
 *            sub0.100 (VLAN)       +-- router's ---+
 *            sub1 (tun: steer_l3) -+   namespace
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "wire.h"

#define LINE_VLAN	"10.64.2.9"
#define LINE_TUN	"10.64.1.9"
#define LINE_TUN6	"2001:db8:64:2::9"
#define REFUSED		"10.66.0.9"
#define REFUSED_VLAN	"10.66.2.9"
#define REFUSED_TUN	"10.66.1.9"
#define REFUSED6	"2001:db8:66:1::9"
#define QUIET_MS	300

static struct rig *r;
static struct wire sub, tun, up;
static bool vlans;		/* this kernel has VLAN devices */

static void vlan_device(void)
{
	vlans = !system("ip link add link sub0 name sub0.100 type vlan id 100 2>/dev/null");
	if (!vlans) {
		cr_log_info("no VLAN devices here: sessions over a tag are not tried\n");
		return;
	}
	rig_sh("ip link set sub0.100 up && sysctl -q net.ipv4.conf.sub0/100.rp_filter=0 && "
	       "ip route add 10.64.2.0/24 dev sub0.100 && "
	       "ip neigh add %s lladdr 02:00:00:00:00:02 dev sub0.100", LINE_VLAN);
}

static void routes(void)
{
	rig_sh("sysctl -q net.ipv4.conf.all.rp_filter=0 net.ipv4.ip_forward=1 "
	       "net.ipv6.conf.all.forwarding=1");
	rig_sh("ip route add 10.64.0.0/24 dev sub0 && ip route add 10.64.1.0/24 dev sub1 && "
	       "ip route add 10.65.0.0/24 dev sub0");
	rig_sh("ip -6 route add 2001:db8:64:1::/64 dev sub0 && "
	       "ip -6 route add 2001:db8:64:2::/64 dev sub1");
	rig_sh("ip route add default dev up0 && ip -6 route add default dev up0");
	rig_sh("for a in %s %s 10.65.0.9; do ip neigh add $a lladdr 02:00:00:00:00:02 dev sub0; "
	       "done; for a in %s %s; do ip neigh add $a lladdr 02:00:00:00:00:09 dev up0; done",
	       LINE4, LINE6, MX4, MX6);
	rig_sh("ip rule add fwmark 0x19/0xff lookup 100 && "
	       "ip route add local 0.0.0.0/0 dev lo table 100 && "
	       "ip -6 rule add fwmark 0x19/0xff lookup 100 && "
	       "ip -6 route add local ::/0 dev lo table 100");
}

static void begin(void)
{
	int netns;

	r = rig_make();
	sub = wire_open(r, "sub0", false, STEER);
	tun = wire_open(r, "sub1", true, STEER_L3);
	up = wire_open(r, "up0", false, BACK);
	routes();
	vlan_device();
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	cr_assert_geq(bpf_link_create(r->lookup, netns, BPF_SK_LOOKUP, NULL), 0);
	close(netns);
}

static struct caller caller_of(const struct wire *w, const char *line, unsigned int port)
{
	struct caller c = {
		.wire = w,
		.spec = { .src = line, .v6 = strchr(line, ':'), .sport = port },
		.seq = 1000,
	};

	return c;
}

/* Accept at a listener, waiting for it; -1: nothing came. */
static int accepted(unsigned int worker, int ms)
{
	struct pollfd p = { .fd = r->listener[worker], .events = POLLIN };

	if (poll(&p, 1, ms) != 1)
		return -1;
	return accept4(r->listener[worker], NULL, NULL, SOCK_CLOEXEC);
}

static void expect_name(int fd, bool peer, const char *address, unsigned int port)
{
	struct postern_addr a, want = rig_addr(address);
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	unsigned int p;

	if (peer)
		getpeername(fd, (struct sockaddr *)&name, &len);
	else
		getsockname(fd, (struct sockaddr *)&name, &len);
	cr_assert_eq(addr_from_sockaddr((struct sockaddr *)&name, &a, &p), 0);
	cr_expect(addr_equal(&a, &want), "not %s", address);
	cr_expect_eq(p, port, "port %u, not %u", p, port);
}

/* A whole connection from a line: the right worker gets it, and it carries data. */
static int session(struct caller *c, const char *worker_line)
{
	const char *mx = c->spec.v6 ? MX6 : MX4;
	char buf[64];
	int fd;

	rig_reset(r);
	caller_connect(c);
	fd = accepted(rig_worker(worker_line), 2000);
	cr_assert_geq(fd, 0, "%s: not accepted", c->spec.src);
	expect_name(fd, false, mx, 25);
	expect_name(fd, true, c->spec.src, c->spec.sport);
	caller_send(c, ACK | PSH, 30);
	cr_expect_eq(recv(fd, buf, sizeof(buf), 0), 30);
	cr_expect_eq(rig_count(r, POSTERN_R_steered), 1, "%s", c->spec.src);
	cr_expect_eq(rig_count(r, POSTERN_R_own_session), 2, "%s", c->spec.src);
	cr_expect_eq(rig_count_all(r), 3, "%s", c->spec.src);
	return fd;
}

Test(live, sessions)
{
	struct caller v4, v6, vlan, over_tun, over_tun6;

	begin();
	v4 = caller_of(&sub, LINE4, 40001);
	v6 = caller_of(&sub, LINE6, 40002);
	vlan = caller_of(&sub, LINE_VLAN, 40003);
	over_tun = caller_of(&tun, LINE_TUN, 40004);
	over_tun6 = caller_of(&tun, LINE_TUN6, 40005);
	vlan.spec.tags = 1;
	session(&v4, LINE4);
	session(&v6, "2001:db8:64:1::");
	if (vlans)
		session(&vlan, LINE_VLAN);
	session(&over_tun, LINE_TUN);
	session(&over_tun6, "2001:db8:64:2::");
	rig_free(r);
}

/* The half-open connection takes the repeated SYN: the same answer, one connection. */
Test(live, repeated_syn)
{
	struct segment first, second;
	struct caller c;

	begin();
	c = caller_of(&sub, LINE4, 40001);
	caller_send(&c, SYN, 0);
	first = caller_expect(&c, SYN | ACK);
	c.seq = 1000;
	caller_send(&c, SYN, 0);
	second = caller_expect(&c, SYN | ACK);
	cr_expect_eq(first.seq, second.seq);
	caller_send(&c, ACK, 0);
	cr_expect_geq(accepted(rig_worker(LINE4), 2000), 0);
	cr_expect_eq(accepted(rig_worker(LINE4), 0), -1);
	rig_free(r);
}

/* Our end closed first and rests; the line comes again from the same port (B32, F18). */
Test(live, time_wait)
{
	struct caller c;
	int i, fd;

	begin();
	c = caller_of(&sub, LINE4, 40001);
	for (i = 0; i < 20; i++) {
		fd = session(&c, LINE4);
		close(fd);
		caller_expect(&c, ACK);
		caller_expect(&c, FIN | ACK);
		caller_send(&c, FIN | ACK, 0);
		caller_expect(&c, ACK);
		c.seq += 100000;
	}
	rig_free(r);
}

/* The worker hangs between SYN and ACK: the cookie is its listener's all the same (F19). */
Test(live, cookies)
{
	struct caller c, forged;

	begin();
	rig_sh("sysctl -q net.ipv4.tcp_syncookies=2");
	c = caller_of(&sub, LINE4, 40001);
	caller_send(&c, SYN, 0);
	caller_expect(&c, SYN | ACK);
	forged = c;
	rig_beat(r, rig_worker(LINE4), 0);
	rig_reset(r);
	forged.ack += 1000;
	caller_send(&forged, ACK, 0);
	cr_expect_eq(accepted(rig_worker(LINE4), QUIET_MS), -1);
	cr_expect_eq(rig_count(r, POSTERN_R_direct_session), 1);
	rig_beat(r, rig_worker(LINE4), 0);
	caller_send(&c, ACK, 0);
	cr_expect_geq(accepted(rig_worker(LINE4), 2000), 0);
	cr_expect_eq(rig_count(r, POSTERN_R_steered_cookie), 1);
	rig_free(r);
}

/* A listener that went while its SYN-ACK was on the way: no stray reset, no worker misled. */
Test(live, worker_dies_half_way)
{
	struct caller c;

	begin();
	c = caller_of(&sub, LINE4, 40001);
	caller_send(&c, SYN, 0);
	caller_expect(&c, SYN | ACK);
	close(r->listener[rig_worker(LINE4)]);
	rig_beat(r, 0, clock_boot());
	c.seq = 5000;
	c.spec.sport = 40002;
	caller_connect(&c);
	cr_expect_geq(accepted((rig_worker(LINE4) + 1) % RIG_WORKERS, 2000), 0);
	cr_expect_eq(rig_count(r, POSTERN_R_steered_other_worker), 1);
	rig_free(r);
}

/* An upstream leg from a line's own address. */
static int leg(const char *line, const char *mx, struct frame *f, struct segment *syn)
{
	struct postern_addr from = rig_addr(line), to = rig_addr(mx);
	struct sockaddr_storage here, there;
	socklen_t here_len = addr_to_sockaddr(&from, 0, &here);
	socklen_t there_len = addr_to_sockaddr(&to, 25, &there);
	int on = 1, ttl = POSTERN_LEG_TTL, v6 = here.ss_family == AF_INET6;
	int fd = socket(here.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_eq(setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
				v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on, sizeof(on)), 0);
	cr_assert_eq(setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
				v6 ? IPV6_UNICAST_HOPS : IP_TTL, &ttl, sizeof(ttl)), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&here, here_len), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&there, there_len), -1);
	cr_assert_eq(errno, EINPROGRESS);
	do
		cr_assert(wire_receive(&up, 25, f, syn), "no SYN on the upstream side");
	while ((syn->flags & 0x3f) != SYN);	/* an earlier leg still says goodbye */
	return fd;
}

static bool connected(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = -1;

	return poll(&p, 1, 2000) == 1 &&
	       !getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) && !err;
}

/* The exchanger's answer to a SYN. */
static struct caller exchanger(const struct segment *syn, const char *line, bool v6)
{
	struct caller c = {
		.wire = &up,
		.spec = { .v6 = v6, .src = v6 ? MX6 : MX4, .dst = line, .sport = 25,
			  .dport = syn->sport },
		.seq = 7000,
		.ack = syn->seq + 1,
	};

	return c;
}

static void check_leg(const char *line, const char *mx, unsigned int too_big, unsigned int mtu)
{
	struct frame_spec icmp = { .v6 = strchr(line, ':'), .src = line, .dst = mx,
				   .icmp = too_big, .flags = ACK };
	socklen_t len = sizeof(mtu);
	unsigned int value = 0;
	struct segment syn;
	struct caller c;
	struct frame f;
	int fd;

	rig_reset(r);
	fd = leg(line, mx, &f, &syn);
	c = exchanger(&syn, line, icmp.v6);
	c.spec.mss = 1440;	/* a small one would make the MTU no news */
	caller_send(&c, SYN | ACK, 0);
	cr_assert(connected(fd), "%s: not connected", line);
	cr_expect_eq(rig_count(r, POSTERN_R_own_upstream), 1);
	icmp.sport = syn.sport;
	icmp.seq = syn.seq + 1;
	icmp.ack = c.seq;
	frame_build(&f, &icmp);
	f.octet[f.l4 + 1] = icmp.v6 ? 0 : 4;
	f.octet[f.l4 + 6] = mtu >> 8;
	f.octet[f.l4 + 7] = mtu;
	f.octet[f.l4 + 2] = f.octet[f.l4 + 3] = 0;
	value = frame_checksum(f.octet + f.l4, f.len - f.l4, icmp.v6 ?
			       frame_pseudo(f.octet + f.l3 + 8, 32, f.len - f.l4, 58) : 0);
	f.octet[f.l4 + 2] = value >> 8;
	f.octet[f.l4 + 3] = value;
	wire_send(&up, &f);
	cr_expect_eq(rig_count(r, POSTERN_R_own_upstream_icmp), 1, "%s", line);
	cr_assert_eq(getsockopt(fd, icmp.v6 ? IPPROTO_IPV6 : IPPROTO_IP,
				icmp.v6 ? IPV6_MTU : IP_MTU, &value, &len), 0);
	cr_expect_eq(value, mtu, "%s: MTU %u", line, value);
	close(fd);
}

/* Answers to our legs, and the path MTU that a router tells them (B28, F12). */
Test(live, upstream_legs)
{
	begin();
	check_leg(LINE4, MX4, 3, 1300);
	check_leg(LINE6, MX6, 2, 1350);
	rig_free(r);
}

/* A loop brings our SYN in at the subscriber side (B29). */
Test(live, own_syn_comes_back)
{
	struct segment syn;
	struct frame f;

	begin();
	leg(LINE4, MX4, &f, &syn);
	f.octet[14 + 8]--;
	f.octet[14 + 10]++;	/* the header's checksum follows: RFC 1624 */
	memcpy(f.octet, "\x02\x00\x00\x00\x00\x01", 6);
	rig_reset(r);
	wire_send(&sub, &f);
	cr_expect_eq(rig_count(r, POSTERN_R_own_syn), 1);
	cr_expect_eq(rig_count_all(r), 1);
	cr_expect(wire_quiet(&sub, 25, QUIET_MS));
	rig_free(r);
}

/* Nobody asked for this SYN-ACK; it does not reach the line. An exempt line's does. */
Test(live, answers_from_outside)
{
	struct frame_spec spec = { .src = MX4, .dst = LINE4, .sport = 25, .flags = SYN | ACK };
	struct segment s;
	struct frame f;

	begin();
	frame_build(&f, &spec);
	wire_send(&up, &f);
	cr_expect(wire_quiet(&sub, 25, QUIET_MS));
	cr_expect_eq(rig_count(r, POSTERN_R_forged_synack), 1);
	spec.dst = "10.65.0.9";
	frame_build(&f, &spec);
	wire_send(&up, &f);
	cr_expect(wire_receive(&sub, 25, &f, &s));
	cr_expect_eq(s.ttl, 63);
	rig_free(r);
}

/* What passes is forwarded as it came: only the time to live is one less. */
Test(live, exempt_line_goes_out)
{
	struct caller c;
	struct segment s;
	struct frame f;

	begin();
	c = caller_of(&sub, "10.65.0.9", 40001);
	caller_send(&c, SYN, 0);
	cr_assert(wire_receive(&up, 40001, &f, &s));
	cr_expect_eq(s.seq, 1000);
	cr_expect_eq(s.ttl, 63);
	cr_expect(s.ip_sum_right && s.tcp_sum_right);
	cr_expect_eq(rig_count(r, POSTERN_R_exempt_pool), 1);
	rig_free(r);
}

static void refused(const struct wire *w, const char *line, unsigned int tags,
		    unsigned int payload)
{
	struct caller c = caller_of(w, line, 40001);
	struct segment s;
	struct frame f;

	c.spec.tags = tags;
	caller_send(&c, SYN, payload);
	cr_assert(wire_receive(w, 40001, &f, &s), "%s: no reset", line);
	cr_expect_eq(s.flags, RST | ACK, "%s", line);
	cr_expect_eq(s.ack, c.seq, "%s", line);
	cr_expect(s.ip_sum_right, "%s: IP checksum", line);
	cr_expect(s.tcp_sum_right, "%s: TCP checksum", line);
	cr_expect_eq(s.tag, tags ? 100 : 0, "%s: tag %u", line, s.tag);
	cr_expect_eq(s.dport, 40001);
}

/* A refused line that is told why reaches the worker, and again over TIME_WAIT; else a reset. */
Test(live, refused_and_greeted)
{
	struct postern_line value = { .treatment = POSTERN_REFUSE, .class = CLASS_GREET };
	struct caller c;
	int i, fd;

	begin();
	rig_line(r, LINE4, value);
	c = caller_of(&sub, LINE4, 40001);
	for (i = 0; i < 3; i++) {
		caller_connect(&c);
		fd = accepted(rig_worker(LINE4), 2000);
		cr_assert_geq(fd, 0);
		close(fd);
		caller_expect(&c, FIN | ACK);
		caller_send(&c, FIN | ACK, 0);
		caller_expect(&c, ACK);
		c.seq += 100000;
	}
	cr_expect_eq(rig_count(r, POSTERN_R_refused_greeted), 3);
	value.class = CLASS_PLAIN;
	rig_line(r, LINE4, value);
	caller_send(&c, SYN, 0);
	caller_expect(&c, RST | ACK);
	rig_free(r);
}

/* Resets leave by the device that the segment came in by, tag and all. */
Test(live, resets)
{
	begin();
	refused(&sub, REFUSED, 0, 0);
	refused(&sub, REFUSED, 0, 700);
	refused(&sub, REFUSED_VLAN, 1, 0);
	refused(&sub, REFUSED6, 0, 0);
	refused(&sub, REFUSED6, 1, 33);
	refused(&tun, REFUSED_TUN, 0, 0);
	refused(&tun, REFUSED6, 0, 5);
	rig_free(r);
}

/* The segment's checksum was left to the device; then the reset's is, too. */
Test(live, resets_with_offloaded_checksum)
{
	struct wire *wires[] = { &sub, &tun };
	size_t i;

	begin();
	for (i = 0; i < sizeof(wires) / sizeof(*wires); i++) {
		wire_offload(wires[i]);
		refused(wires[i], REFUSED, 0, 0);
		refused(wires[i], REFUSED, 0, 701);
		refused(wires[i], REFUSED6, 0, 0);
	}
	refused(&sub, REFUSED_VLAN, 1, 0);
	rig_free(r);
}

/* The screen on a device: native XDP sees the tag within the frame. */
Test(live, screen)
{
	struct frame_spec odd = { .tags = 1, .flags = SYN | FIN };
	struct caller c;
	struct frame f;

	begin();
	cr_assert_eq(bpf_xdp_attach(sub.ifindex, r->program[SCREEN], XDP_FLAGS_DRV_MODE, NULL), 0);
	frame_build(&f, &odd);
	wire_send(&sub, &f);
	cr_expect_eq(rig_count(r, POSTERN_R_tcp_flags), 1);
	rig_events(r);
	cr_expect_eq(r->event.hook, POSTERN_HOOK_SCREEN);
	c = caller_of(&sub, LINE4, 40001);
	session(&c, LINE4);
	rig_free(r);
}

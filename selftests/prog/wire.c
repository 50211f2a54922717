// SPDX-License-Identifier: GPL-2.0
/* Live devices: wire.h. */
#include "wire.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_MS	2000

static void attach(int ifindex, int program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .handle = 1, .priority = 1);

	cr_assert_eq(bpf_tc_hook_create(&hook), 0);
	cr_assert_eq(bpf_tc_attach(&hook, &opts), 0);
}

struct wire wire_open(struct rig *r, const char *name, bool raw, enum program program)
{
	struct ifreq ifr = { .ifr_flags = IFF_NO_PI | IFF_VNET_HDR | (raw ? IFF_TUN : IFF_TAP) };
	struct wire w = { .raw = raw };

	w.fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	cr_assert_geq(w.fd, 0, "/dev/net/tun: %s", strerror(errno));
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	cr_assert_eq(ioctl(w.fd, TUNSETIFF, &ifr), 0, "%s: %s", name, strerror(errno));
	w.ifindex = if_nametoindex(name);
	attach(w.ifindex, r->program[program]);
	if (!raw)
		rig_sh("ip link set %s address 02:00:00:00:00:01", name);
	rig_sh("ip link set %s up", name);
	rig_sh("sysctl -q net.ipv4.conf.%s.rp_filter=0", name);
	return w;
}

void wire_close(struct wire *w)
{
	close(w->fd);
}

void wire_offload(struct wire *w)
{
	w->offload = true;
}

/* Put the sum of the pseudo header where the checksum belongs, and say so. */
static void halve(const struct wire *w, struct frame *f, struct virtio_net_hdr *h)
{
	bool v6 = f->octet[f->l3] >> 4 == 6;
	uint32_t sum = frame_pseudo(f->octet + f->l3 + (v6 ? 8 : 12), v6 ? 32 : 8,
				    f->len - f->l4, IPPROTO_TCP);
	uint16_t half;

	if (!w->offload)
		return;
	half = ~frame_checksum(NULL, 0, sum);
	f->octet[f->l4 + 16] = half >> 8;
	f->octet[f->l4 + 17] = half;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = f->l4;
	h->csum_offset = 16;
}

void wire_send(const struct wire *w, const struct frame *f)
{
	struct virtio_net_hdr h = { 0 };
	struct frame copy = *f;
	struct iovec parts[] = { { &h, sizeof(h) - 2 }, { copy.octet, copy.len } };

	/* Without TUNSETVNETHDRSZ the header is the older, shorter one. */
	parts[0].iov_len = 10;
	halve(w, &copy, &h);
	cr_assert_eq(writev(w->fd, parts, 2), (ssize_t)(10 + copy.len), "send: %s",
		     strerror(errno));
}

/* One frame within the time that is left, false when it is over. */
static bool next_frame(const struct wire *w, struct frame *f, uint64_t until)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	uint8_t header[10];
	struct iovec parts[] = { { header, sizeof(header) }, { f->octet, sizeof(f->octet) } };
	uint64_t now = clock_boot();
	ssize_t n;

	if (now >= until || poll(&p, 1, (until - now) / NS_PER_MS + 1) != 1)
		return false;
	n = readv(w->fd, parts, 2);
	cr_assert_geq(n, (ssize_t)sizeof(header));
	f->len = n - sizeof(header);
	return true;
}

static bool receive(const struct wire *w, unsigned int port, struct frame *f,
		    struct segment *s, int ms)
{
	uint64_t until = clock_boot() + ms * NS_PER_MS;

	while (next_frame(w, f, until)) {
		if (segment_read(f, w->raw, s) && (s->sport == port || s->dport == port))
			return true;
	}
	return false;
}

bool wire_receive(const struct wire *w, unsigned int port, struct frame *f, struct segment *s)
{
	return receive(w, port, f, s, PATIENCE_MS);
}

bool wire_quiet(const struct wire *w, unsigned int port, int ms)
{
	struct segment s;
	struct frame f;

	return !receive(w, port, &f, &s, ms);
}

void caller_send(struct caller *c, unsigned int flags, unsigned int payload)
{
	struct frame_spec spec = c->spec;
	struct frame f;

	spec.raw = c->wire->raw;
	spec.flags = flags;
	spec.payload = payload;
	spec.seq = c->seq;
	spec.ack = flags & ACK ? c->ack : 0;
	frame_build(&f, &spec);
	wire_send(c->wire, &f);
	c->seq += payload + !!(flags & SYN) + !!(flags & FIN);
}

struct segment caller_expect(struct caller *c, unsigned int flags)
{
	struct segment s;
	struct frame f;

	cr_assert(wire_receive(c->wire, c->spec.sport, &f, &s), "port %u: no answer",
		  c->spec.sport);
	cr_assert_eq(s.flags & ~PSH & 0x3f, flags, "port %u: flags 0x%x, not 0x%x",
		     c->spec.sport, s.flags, flags);
	c->ack = s.seq + s.payload + !!(flags & SYN) + !!(flags & FIN);
	return s;
}

void caller_connect(struct caller *c)
{
	caller_send(c, SYN, 0);
	caller_expect(c, SYN | ACK);
	caller_send(c, ACK, 0);
}

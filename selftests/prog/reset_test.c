// SPDX-License-Identifier: GPL-2.0
/* The reset made from a segment: each field of it, for every shape of frame. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

#include "base/addr.h"
#include "rows.h"
#include "segment.h"

#define FROM4	.src = "10.66.0.9"
#define FROM6	.v6 = true, .src = "2001:db8:66:1::9"

struct reset_row {
	const char		*name;
	struct frame_spec	spec;
	unsigned int		flags;	/* of the reset */
	uint32_t		seq, ack;
};

static const struct reset_row rows[] = {
	{ "SYN", { FROM4, .seq = 1000 }, RST | ACK, 0, 1001 },
	{ "SYN, sequence wraps", { FROM4, .seq = 0xffffffff }, RST | ACK, 0, 0 },
	{ "SYN with data", { FROM4, .seq = 1000, .payload = 77 }, RST | ACK, 0, 1078 },
	{ "SYN with data past the wrap", { FROM4, .seq = 0xfffffff0, .payload = 1000 },
	  RST | ACK, 0, 985 },
	{ "SYN-ACK", { FROM4, .flags = SYN | ACK, .seq = 7, .ack = 5000 }, RST, 5000, 0 },
	{ "data", { FROM4, .flags = ACK | PSH, .seq = 7, .ack = 5000, .payload = 1400 },
	  RST, 5000, 0 },
	{ "data, odd length", { FROM4, .flags = ACK, .ack = 0xfffffffe, .payload = 1399 },
	  RST, 0xfffffffe, 0 },
	{ "FIN", { FROM4, .flags = FIN | ACK, .seq = 7, .ack = 9 }, RST, 9, 0 },
	{ "SYN, IPv6", { FROM6, .seq = 1000 }, RST | ACK, 0, 1001 },
	{ "data, IPv6", { FROM6, .flags = ACK, .ack = 5000, .payload = 1301 }, RST, 5000, 0 },
	{ "behind a tag", { FROM4, .tags = 1, .seq = 1000 }, RST | ACK, 0, 1001 },
	{ "behind a tag, IPv6", { FROM6, .tags = 1, .seq = 1000 }, RST | ACK, 0, 1001 },
	{ "in PPPoE", { FROM4, .pppoe = true, .seq = 1000, .payload = 30 }, RST | ACK, 0, 1031 },
	{ "in PPPoE, IPv6", { FROM6, .pppoe = true, .seq = 1000 }, RST | ACK, 0, 1001 },
	{ "in PPPoE behind a tag", { FROM4, .tags = 1, .pppoe = true, .seq = 1 },
	  RST | ACK, 0, 2 },
	{ "IP options", { FROM4, .seq = 1000, .options = { 148, 4, 1, 1, 7, 7, 4, 9, 9, 9, 9, 0 },
	  .options_len = 12 }, RST | ACK, 0, 1001 },
};

static void check_ends(const struct reset_row *row, const struct segment *in,
		       const struct segment *out)
{
	cr_expect(addr_equal(&out->src, &in->dst) && addr_equal(&out->dst, &in->src),
		  "%s: addresses", row->name);
	cr_expect(out->sport == in->dport && out->dport == in->sport, "%s: ports", row->name);
	cr_expect_arr_eq(out->src_mac, in->dst_mac, 6, "%s: source MAC", row->name);
	cr_expect_arr_eq(out->dst_mac, in->src_mac, 6, "%s: destination MAC", row->name);
	cr_expect_eq(out->tag, in->tag, "%s: tag %u", row->name, out->tag);
}

static void check_sizes(const struct reset_row *row, const struct segment *in,
			const struct segment *out)
{
	cr_expect_eq(out->tcp_octets, 20, "%s: TCP header", row->name);
	cr_expect_eq(out->payload, 0, "%s: payload", row->name);
	cr_expect_eq(out->rest, 0, "%s: octets behind it", row->name);
	cr_expect_eq(out->ip_octets, in->ip_octets, "%s: IP header", row->name);
	cr_expect_eq(out->pppoe, in->pppoe ? out->total + 2 : 0, "%s: PPPoE length", row->name);
}

static void check(const struct reset_row *row, const struct segment *in,
		  const struct segment *out)
{
	check_ends(row, in, out);
	check_sizes(row, in, out);
	cr_expect_eq(out->flags, row->flags, "%s: flags 0x%x", row->name, out->flags);
	cr_expect_eq(out->seq, row->seq, "%s: seq %u", row->name, out->seq);
	cr_expect_eq(out->ack, row->ack, "%s: ack %u", row->name, out->ack);
	cr_expect(out->ip_sum_right, "%s: IP checksum", row->name);
	cr_expect(out->tcp_sum_right, "%s: TCP checksum", row->name);
	cr_expect_eq(out->ttl, 64, "%s: time to live", row->name);
}

Test(reset, fields)
{
	struct rig *r = rig_make();
	struct segment in, out;
	struct outcome o;
	struct frame f;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		frame_build(&f, &rows[i].spec);
		cr_assert(segment_read(&f, false, &in), "%s", rows[i].name);
		o = rig_run(r, STEER, &f);
		cr_expect_eq(o.verdict, RESET, "%s", rows[i].name);
		cr_assert(segment_read(&o.frame, false, &out), "%s: no segment", rows[i].name);
		check(&rows[i], &in, &out);
	}
	rig_free(r);
}

/* Options of the segment do not come back to the sender. */
Test(reset, options_are_blank)
{
	static const uint8_t blank[12];
	struct rig *r = rig_make();
	struct outcome o;
	struct frame f;

	frame_build(&f, &rows[sizeof(rows) / sizeof(*rows) - 1].spec);
	o = rig_run(r, STEER, &f);
	cr_expect_arr_eq(o.frame.octet + 34, blank, sizeof(blank));
	rig_free(r);
}

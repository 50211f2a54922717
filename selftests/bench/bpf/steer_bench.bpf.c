// SPDX-License-Identifier: GPL-2.0
/*
 * The steering body behind a prologue that gives every run another line: a
 * repeated line would measure the caches. bench_base is the prologue alone, to
 * be subtracted. Only the bench loads this.
 */
#include "steer.h"

__u32 bench_lines = 1;	/* a line of so many, chosen per run */
__u32 bench_first;	/* the first of them: IPv4 address, or octets 4..7 of IPv6 */
__u32 bench_random = 1;

static __always_inline __u32 bench_next(void)
{
	__u32 x = bench_random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	bench_random = x;
	return bpf_htonl(bench_first + (__u32)(((__u64)x * bench_lines) >> 32));
}

static __always_inline bool bench_line(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct iphdr *ip4 = (void *)(eth + 1);

	if ((void *)(ip6 + 1) > end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		ip4->saddr = bench_next();
	else
		ip6->saddr.in6_u.u6_addr32[1] = bench_next();
	return true;
}

/* What BPF_PROG_TEST_RUN itself costs. */
SEC("tc")
int bench_empty(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int bench_base(struct __sk_buff *skb)
{
	return bench_line(skb) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int bench_steer(struct __sk_buff *skb)
{
	if (!bench_line(skb))
		return TC_ACT_SHOT;
	return steer(skb, true, false);
}

char _license[] SEC("license") = "GPL";

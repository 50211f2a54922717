// SPDX-License-Identifier: GPL-2.0
/*
 * Chooses the listener for what the steering program could only mark: a SYN
 * on a pair of ports in TIME_WAIT, frames inside PPPoE, and connections whose
 * assigned socket was lost on the way. It runs for every new connection to a
 * local socket of this network namespace, so the way out is short, and the
 * router's own port 25 is left alone.
 */
#include "own.h"
#include "policy.h"
#include "worker.h"

#define LOOKUP_INET	2	/* AF_INET */

static __always_inline bool lookup_asked_by_tc(void)
{
	struct scratch *s = scratch_get();

	return s && s->asking;
}

/* Both ways would end in one load from a computed place, which a context forbids. */
static __always_inline void lookup_keep_apart(void)
{
	asm volatile("" ::: "memory");
}

static __always_inline void lookup_ends(struct bpf_sk_lookup *ctx, struct packet *p)
{
	if (ctx->family == LOOKUP_INET) {
		addr_from_v4(&p->src, ctx->remote_ip4);
		addr_from_v4(&p->dst, ctx->local_ip4);
		lookup_keep_apart();
		return;
	}
	p->v6 = true;
	p->src.word[0] = ctx->remote_ip6[0];
	p->src.word[1] = ctx->remote_ip6[1];
	p->src.word[2] = ctx->remote_ip6[2];
	p->src.word[3] = ctx->remote_ip6[3];
	p->dst.word[0] = ctx->local_ip6[0];
	p->dst.word[1] = ctx->local_ip6[1];
	p->dst.word[2] = ctx->local_ip6[2];
	p->dst.word[3] = ctx->local_ip6[3];
}

SEC("sk_lookup")
int postern_lookup(struct bpf_sk_lookup *ctx)
{
	const struct postern_destination *d;
	const struct postern_settings *set;
	struct packet p = {};
	struct policy pol;
	struct bpf_sock *sk;
	bool other;

	if (ctx->local_port != POSTERN_SMTP_PORT || ctx->protocol != IPPROTO_TCP)
		return SK_PASS;
	if (lookup_asked_by_tc())
		return SK_PASS;
	set = settings_get();
	lookup_ends(ctx, &p);
	if (!set || destination_special(&p))
		return SK_PASS;
	d = destination_match(&p.dst);
	if (destination_is(d, POSTERN_DEST_OWN) || !policy_of(&p.src, &pol))
		return SK_PASS;
	if (destination_is(d, POSTERN_DEST_CLASS))
		pol.class = d->class;
	if (pol.treatment != POSTERN_STEER && !policy_greets(&pol))
		return SK_PASS;
	sk = worker_of(set, &pol.line, &other);
	if (!sk)
		return SK_PASS;
	bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return SK_PASS;
}

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0
/*
 * One turn of a session's dialogue. Octets are read into the worker's scratch
 * behind what the leg had kept, the engine takes what it understands, its
 * output is sent with one call a side, and the rest is kept in chains. So a
 * session that waits holds nothing.
 *
 * Back-pressure: while a side is owed octets, the other side is not read; and
 * while the client is owed some, neither is the client, whose commands would
 * only make more. The rest waits in the kernel and stops the sender there.
 * Within TLS the two directions know nothing of each other.
 */
#include "base/clock.h"
#include "session/session.h"

/* Octets read with one call. Leaves room for what was kept before. */
#define READ_CHUNK	(60 * 1024)
/* Reads of a turn that throws away. */
#define DISCARD_READS	4

/* One side's input of a turn. */
struct intake {
	struct leg	*leg;
	char		*buf;	/* scratch: kept octets, then new ones */
	size_t		kept;
	size_t		fresh;
};

static bool may_read_client(const struct session *s)
{
	return s->client.readable && !s->client.eof && !s->client.failed && !s->client.closing &&
	       !s->discard && (!s->client.out.len || smtp_in_tunnel(&s->smtp)) &&
	       !s->server.out.len && smtp_wants_client(&s->smtp) && !tunnel_resume(s);
}

static bool may_read_server(const struct session *s)
{
	return s->server.readable && !s->server.eof && !s->server.connecting &&
	       !s->server.closing && !s->client.out.len;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Fill @in with what was kept and, if @may_read, with what can be read. */
static void take_in(struct session *s, struct intake *take, struct smtp_in *in, bool may_read,
		    size_t limit, size_t *budget)
{
	size_t room = chain_room(&s->worker->store, &take->leg->in, limit);
	size_t want;

	take->kept = take->leg->in.len;
	if (take->kept)
		chain_copy(&take->leg->in, take->buf);
	want = room > take->kept ? least(least(room - take->kept, READ_CHUNK), *budget) : 0;
	if (take->leg->side == LEG_CLIENT)
		want = tunnel_allowance(s, want);
	if (may_read && want)
		take->fresh = leg_read(take->leg, take->buf + take->kept, want);
	if (take->leg->side == LEG_CLIENT)
		tunnel_pay(s, take->fresh);
	*budget -= take->fresh;
	in->data = take->buf;
	in->len = take->kept + take->fresh;
	in->full = in->len >= room;
	in->eof = take->leg->eof;
}

/* Keep what the engine left. Returns how much it took, or -ENOMEM. */
static ssize_t keep_rest(struct session *s, const struct intake *take, const struct smtp_in *rest)
{
	struct store *st = &s->worker->store;
	size_t taken = take->kept + take->fresh - rest->len;
	size_t dropped = least(taken, take->kept);
	int err = 0;

	/* Closed meanwhile; of a leg that hung up the rest is kept. */
	if (take->leg->fd < 0 && !take->leg->in.len)
		return (ssize_t)taken;
	if (dropped)
		chain_drop(st, &take->leg->in, dropped);
	if (rest->len > take->kept - dropped)
		err = chain_add(st, &take->leg->in, rest->data + (take->kept - dropped),
				rest->len - (take->kept - dropped));
	return err ? err : (ssize_t)taken;
}

static void give_room(const struct session *s, const struct leg *leg, char *buf,
		      struct smtp_out *out)
{
	size_t room = chain_room(&s->worker->store, &leg->out, WORKER_OUTPUT);

	*out = (struct smtp_out){
		.data = buf,
		.size = room > leg->out.len ? room - leg->out.len : 0,
	};
}

/* Send a side's output. A leg that is closed, or will be reset, gets none. */
static int put_out(struct session *s, struct leg *leg, const struct smtp_out *out, bool dying)
{
	uint64_t before = leg->octets_out;
	int err;

	if (!out->len || leg->fd < 0 || dying)
		return 0;
	err = leg_write(leg, &s->worker->store, out->data, out->len);
	deadline_progress(s, leg, before);
	return err;
}

/* Tell the engine of legs that broke, once. */
static void tell_lost(struct session *s)
{
	struct store *st = &s->worker->store;

	/* The client's last octets are of no use: nobody would learn the answer (E72). */
	if (s->client.fd >= 0 && (s->client.failed || s->client.lost)) {
		leg_close(&s->client, st);
		smtp_client_lost(&s->smtp);
	}
	/* The exchanger's still count: its last reply may be due later (E19, E71). */
	if (s->server.fd >= 0 && s->server.lost) {
		leg_hang_up(&s->server, st);
		smtp_server_lost(&s->smtp, true);
	}
}

/* The engine's turn, and the verdicts that it asks for. */
static unsigned int think(struct session *s, struct smtp_turn *t)
{
	unsigned int acts = 0, now;
	bool again;

	do {
		now = smtp_turn(&s->smtp, t);
		if (now & SMTP_ACT_VERDICT)
			s->mail.due = true;
		again = judge_early(s) || (s->mail.due && judge_whole(s));
		acts |= now;
	} while (again);
	return acts;
}

static void obey(struct session *s, unsigned int acts)
{
	struct store *st = &s->worker->store;

	if (acts & SMTP_ACT_DISCARD_CLIENT)
		s->discard = true;
	if (acts & SMTP_ACT_RESET_SERVER)
		leg_reset(&s->server, st);
	if (acts & SMTP_ACT_RESET_CLIENT)
		leg_reset(&s->client, st);
	if (acts & SMTP_ACT_CLOSE_SERVER)
		s->server.closing = true;
	if (acts & SMTP_ACT_CLOSE_CLIENT)
		s->client.closing = true;
}

/* Is there a side for which the engine still has something to do? */
static bool dialogue_over(const struct session *s)
{
	return (s->client.fd < 0 || s->client.closing) && (s->server.fd < 0 || s->server.closing);
}

bool relay_turn(struct session *s, size_t *budget)
{
	struct worker_scratch *scratch = &s->worker->scratch;
	struct intake client = { .leg = &s->client, .buf = scratch->in_client };
	struct intake server = { .leg = &s->server, .buf = scratch->in_server };
	struct smtp_turn t = { .wall = s->worker->wall / NS_PER_SEC };
	ssize_t client_took, server_took;
	unsigned int acts;

	if (dialogue_over(s))
		return false;
	take_in(s, &client, &t.client, may_read_client(s), SMTP_CLIENT_INPUT, budget);
	take_in(s, &server, &t.server, may_read_server(s), SMTP_SERVER_INPUT, budget);
	tell_lost(s);
	give_room(s, &s->client, scratch->to_client, &t.to_client);
	give_room(s, &s->server, scratch->to_server, &t.to_server);
	acts = think(s, &t);
	client_took = keep_rest(s, &client, &t.client);
	server_took = keep_rest(s, &server, &t.server);
	if (client_took < 0 || server_took < 0 ||
	    put_out(s, &s->server, &t.to_server, acts & SMTP_ACT_RESET_SERVER) ||
	    put_out(s, &s->client, &t.to_client, false)) {
		session_kill(s, POSTERN_R_end_memory);
		return false;
	}
	obey(s, acts);
	if (!(client_took || server_took || t.to_client.len || t.to_server.len))
		return false;
	return s->client.in.len || s->server.in.len || may_read_client(s) || may_read_server(s);
}

void relay_discard(struct session *s, struct leg *leg)
{
	for (int i = 0; i < DISCARD_READS && leg->readable && !leg->eof; i++)
		leg_read(leg, s->worker->scratch.in_client, READ_CHUNK);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Birth, events and end of a session: session.h. A session is released in one
 * place, and its slot is reused only when the worker's batch of events is
 * over, so that an event can never meet another session in the old place.
 */
#include "session/session.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "postern/hash.h"
#include "session/dial.h"

/* Octets of one session that are read before others get their turn. */
#define RUN_OCTETS	(256 * 1024)
/* After QUIT the client closes first: TIME_WAIT is then the client's. */
#define LINGER_QUIT	NS_PER_SEC
/* A running session asks so often whether its line was refused meanwhile. */
#define LINE_LOOK	NS_PER_SEC
/* Time for the other end to take our last words and close. */
#define LINGER_CLOSE	(2 * NS_PER_SEC)
/* A whole session without an exchanger: who is told only why lasts no longer. */
#define LINGER_REFUSED	(10 * NS_PER_SEC)

struct session *session_of(struct leg *leg)
{
	size_t at = leg->side == LEG_CLIENT ? offsetof(struct session, client) :
					      offsetof(struct session, server);

	return (struct session *)((char *)leg - at);
}

/* A slot, its place in the worker's list, its client leg. NULL: no memory. */
static struct session *session_new(struct worker *w, int fd)
{
	struct session *s = pool_get(&w->slots);

	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->worker = w;
	s->born = w->now;
	leg_init(&s->client, LEG_CLIENT, fd, false);
	leg_init(&s->server, LEG_SERVER, -1, false);
	s->next = w->sessions;
	s->prev = &w->sessions;
	if (s->next)
		s->next->prev = &s->next;
	w->sessions = s;
	atomic_fetch_add_explicit(&w->all->sessions, 1, memory_order_relaxed);
	ticket_write(&w->all->ticket_key, w->tickets++ * POSTERN_MAX_WORKERS + w->index,
		     s->ticket);
	return s;
}

static void session_release(struct session *s)
{
	enum postern_reason reason = s->reason ? s->reason : smtp_end_reason(&s->smtp);
	struct worker *w = s->worker;

	judge_close(s);
	worker_tally(w, reason);
	/* Anybody can reach a listener's own port: counted, but it may not fill the log. */
	if (reason != POSTERN_R_end_not_subscriber)
		record_session(s, reason);
	leg_reset(&s->client, &w->store);
	leg_reset(&s->server, &w->store);
	wheel_stop(&w->wheel, &s->timer);
	if (s->admitted)
		store_leave(&w->store);
	if (s->refused)
		atomic_fetch_sub_explicit(&w->all->refusals, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&w->all->sessions, 1, memory_order_relaxed);
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->released = true;
	s->next = w->released;
	w->released = s;
}

void session_kill(struct session *s, enum postern_reason reason)
{
	s->reason = reason;
	session_release(s);
}

static int leg_watch(struct worker *w, struct leg *leg)
{
	struct epoll_event ev = { .events = LEG_EVENTS, .data.ptr = leg };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, leg->fd, &ev) ? -errno : 0;
}

static int look_up_line(struct session *s, struct steering_line *line)
{
	struct outside *out = &s->worker->all->outside;

	s->line_seen = s->worker->now;
	return out->resolve(out->arg, &s->mail.facts.client, &s->mail.facts.server, line);
}

/* May it be dialled? Returns `none`, or why not. */
static enum postern_reason admit(struct session *s, unsigned int dst_port)
{
	int err;

	/* Somebody reached a listener on its own port (field note 8). */
	if (dst_port != POSTERN_SMTP_PORT)
		return POSTERN_R_end_not_subscriber;
	if (own_address(&s->worker->own, &s->mail.facts.server, s->worker->now))
		return POSTERN_R_end_own_address;
	err = look_up_line(s, &s->line);
	if (err == -ENOENT)
		return POSTERN_R_end_not_subscriber;
	if (err)
		return POSTERN_R_end_internal;
	if (s->line.treatment == POSTERN_REFUSE)
		return POSTERN_R_end_refused_line;
	if (s->line.treatment != POSTERN_STEER)
		return POSTERN_R_end_not_subscriber;
	return POSTERN_R_none;
}

static void set_env(struct session *s)
{
	const struct conf *conf = s->worker->all->conf;
	unsigned int class_id = s->line.class_id;

	/* The maps may know a class that this configuration does not. */
	if (class_id >= conf->class_count)
		class_id = 0;
	s->env.class = &conf->classes[class_id];
	s->env.hostname = s->worker->all->hostname;
	s->env.client = addr_text(&s->mail.facts.client, s->client_text);
	s->env.ticket = s->ticket;
	s->env.shadow = s->line.shadow;
}

/* When the session's exchanger took a dial last, of whomever. */
static _Atomic uint64_t *exchanger_answered(struct session *s)
{
	uint32_t row = postern_line_hash(&s->mail.facts.server, POSTERN_SALT_WORKER) %
		       WORKERS_ANSWERED;

	return &s->worker->all->answered[row];
}

/*
 * The dial failed with @err: reset before any octet (E68 to E70). One who has
 * answered another subscriber since this dial began is not dead: it only does
 * not want this one, who must not cut it off from all others.
 */
static void dial_failed(struct session *s, int err)
{
	enum postern_reason reason = dial_reason(err);
	struct workers *all = s->worker->all;
	uint64_t answered = atomic_load_explicit(exchanger_answered(s), memory_order_relaxed);

	if (dial_exchanger_dead(reason) && answered < s->born)
		all->outside.dead(all->outside.arg, &s->line.line, &s->mail.facts.server,
				  s->worker->now + all->conf->dead_memory);
	session_kill(s, reason);
}

void session_dial_timeout(struct session *s)
{
	dial_failed(s, -ETIMEDOUT);
}

/* From the subscriber's own port, where the class says so and it can be had (E87). */
static int dial_exchanger(struct session *s)
{
	bool same = s->env.class->upstream_port == CONF_UPSTREAM_PORT_SAME;
	struct outside *out = &s->worker->all->outside;
	unsigned int port = same ? s->client_port : 0;
	int fd = out->dial(out->arg, &s->mail.facts.client, &port, &s->mail.facts.server);

	if (same && fd >= 0 && !port)
		worker_tally(s->worker, POSTERN_R_upstream_port_taken);
	return fd;
}

static void start_dialogue(struct session *s)
{
	struct worker *w = s->worker;
	int fd = dial_exchanger(s);

	if (fd < 0) {
		dial_failed(s, fd);
		return;
	}
	leg_init(&s->server, LEG_SERVER, fd, true);
	smtp_init(&s->smtp, &s->env, &judge_ops, s);
	if (leg_watch(w, &s->server) || leg_watch(w, &s->client)) {
		session_kill(s, POSTERN_R_end_memory);
		return;
	}
	deadline_arm(s);
}

/*
 * No session, but @reply as a greeting, for as many as can be told so at a time;
 * others are reset. Nobody is dialled (E81, E82).
 */
static void start_refusal(struct session *s, enum smtp_reply reply, enum postern_reason why)
{
	struct workers *all = s->worker->all;
	long most = all->conf->max_sessions / 16 + 16;

	s->refused = true;
	if (atomic_fetch_add_explicit(&all->refusals, 1, memory_order_relaxed) >= most) {
		session_kill(s, why);
		return;
	}
	smtp_init_refused(&s->smtp, &s->env, &judge_ops, s, reply);
	s->reason = why;
	s->linger_until = s->worker->now + LINGER_REFUSED;
	if (leg_watch(s->worker, &s->client)) {
		session_kill(s, POSTERN_R_end_memory);
		return;
	}
	session_run(s);
}

/* Is the line to be told why it is refused? Else it is reset. */
static bool to_be_greeted(const struct session *s, enum postern_reason reason)
{
	return reason == POSTERN_R_end_refused_line && !s->line.shadow &&
	       s->env.class->refused == CONF_REFUSED_GREET;
}

void session_begin(struct worker *w, int fd, const struct postern_addr *peer,
		   unsigned int port, const struct postern_addr *dst, unsigned int dst_port)
{
	struct session *s = session_new(w, fd);
	enum postern_reason reason;

	if (!s) {
		worker_tally(w, POSTERN_R_end_memory);
		leg_set_abortive(fd);
		close(fd);
		return;
	}
	s->client_port = port;
	s->mail.facts.client = *peer;
	s->mail.facts.server = *dst;
	reason = admit(s, dst_port);
	set_env(s);
	s->mail.facts.subscriber = s->line.subscriber;
	if (to_be_greeted(s, reason)) {
		start_refusal(s, SMTP_REPLY_quarantine, reason);
		return;
	}
	if (reason) {
		session_kill(s, reason);
		return;
	}
	worker_tally(w, POSTERN_R_session_started);
	s->admitted = atomic_load_explicit(&w->all->sessions, memory_order_relaxed) <=
		      w->all->conf->max_sessions && store_admit(&w->store);
	if (s->admitted)
		start_dialogue(s);
	else
		start_refusal(s, SMTP_REPLY_closing_overload, POSTERN_R_end_memory);
}

void session_accept(struct worker *w, int fd, const struct postern_addr *peer,
		    unsigned int port)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct postern_addr dst = { 0 };
	unsigned int dst_port = 0;

	/* Not SO_ORIGINAL_DST: conntrack may be absent, or see it reversed (B30). */
	if (getsockname(fd, (struct sockaddr *)&name, &len) ||
	    addr_from_sockaddr((struct sockaddr *)&name, &dst, &dst_port))
		dst_port = 0;
	session_begin(w, fd, peer, port, &dst, dst_port);
}

/* The dial was answered. False: the session is over. */
static bool dial_answered(struct session *s, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP)) {
		dial_failed(s, dial_result(s->server.fd));
		return false;
	}
	if (events & EPOLLOUT) {
		s->server.connecting = false;
		atomic_store_explicit(exchanger_answered(s), s->worker->now, memory_order_relaxed);
	}
	return true;
}

/* A line that is refused now may finish its transaction, and no other (E80). */
static void heed_refusal(struct session *s)
{
	struct steering_line line;

	if (s->finishing || s->refused || s->worker->now - s->line_seen < LINE_LOOK)
		return;
	if (look_up_line(s, &line) || line.treatment != POSTERN_REFUSE)
		return;
	s->finishing = true;
	smtp_finish(&s->smtp, SMTP_REPLY_closing_refused, POSTERN_R_end_refused_line);
}

void session_event(struct session *s, struct leg *leg, uint32_t events)
{
	uint64_t before = leg->octets_out;

	if (s->released || leg->fd < 0)
		return;
	/* Room to send: of no interest while nothing is owed. */
	if (events == EPOLLOUT && !leg->out.len && !leg->connecting)
		return;
	if (leg->connecting && !dial_answered(s, events))
		return;
	leg_events(leg, events);
	if (events & EPOLLOUT && leg->out.len && !leg->connecting) {
		leg_flush(leg, &s->worker->store);
		deadline_progress(s, leg, before);
	}
	if (leg->side == LEG_CLIENT)
		heed_refusal(s);
	session_run(s);
}

/*
 * A leg has had our last word. After QUIT the other end closes first, for a
 * while; otherwise the client is told by our FIN, and its octets are read on,
 * because closing over unread ones would reset our reply away.
 */
static void linger(struct session *s, struct leg *leg)
{
	bool quit = smtp_end_reason(&s->smtp) == POSTERN_R_end_quit;
	struct worker *w = s->worker;
	uint64_t until = w->now + (quit ? LINGER_QUIT : LINGER_CLOSE);

	if (!quit && leg->side == LEG_SERVER) {
		leg_close(leg, &w->store);
		return;
	}
	if (!quit)
		leg_shut(leg);
	if (!s->linger_until || until < s->linger_until)
		s->linger_until = until;
	relay_discard(s, leg);
	if (leg->eof || leg->lost)
		leg_close(leg, &w->store);
}

/* Close what is to be closed and has nothing owed; release when nothing is left. */
static void settle(struct session *s)
{
	struct store *st = &s->worker->store;

	if (s->released)
		return;
	if (s->server.closing && s->server.connecting)
		leg_close(&s->server, st);
	if (s->discard)
		relay_discard(s, &s->client);
	if (s->server.fd >= 0 && s->server.closing && !s->server.out.len)
		linger(s, &s->server);
	if (s->client.fd >= 0 && s->client.closing && !s->client.out.len)
		linger(s, &s->client);
	if (s->client.fd >= 0)
		return;
	/* Never half a message that the exchanger could take for a whole one. */
	if (!s->server.closing)
		leg_reset(&s->server, st);
	else if (!s->linger_until)
		s->linger_until = s->worker->now + LINGER_CLOSE;
	if (s->server.fd < 0)
		session_release(s);
}

void session_finish(struct session *s)
{
	struct store *st = &s->worker->store;

	if (!s->client.out.len)
		leg_close(&s->client, st);
	if (!s->server.out.len)
		leg_close(&s->server, st);
	session_release(s);
}

/* Is there more to be thrown away? No event will tell: it was told already. */
static bool discard_left(const struct session *s)
{
	return s->discard && s->client.readable && !s->client.eof;
}

void session_run(struct session *s)
{
	size_t budget = RUN_OCTETS;
	bool more;

	do {
		more = relay_turn(s, &budget);
		settle(s);
	} while (more && budget && !s->released);
	if (s->released)
		return;
	if (more || discard_left(s))
		worker_queue(s->worker, s);
	deadline_arm(s);
}

void session_drain(struct session *s)
{
	smtp_shutdown(&s->smtp);
	session_run(s);
}

// SPDX-License-Identifier: GPL-2.0
/* The answering side of the control socket. */
#include "control/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "control/client.h"

#define OUT_OCTETS	65536			/* kept for a client that reads slowly */
#define REQUEST_NS	(5 * NS_PER_SEC)	/* request whole, answer read within */

enum phase {
	PHASE_REQUEST,		/* its line is not whole yet */
	PHASE_WATCH,
	PHASE_LAST,		/* closed when all is written */
};

struct server_client {
	int		fd;
	enum phase	phase;
	uint64_t	until;		/* boot-time ns: closed then unless it watches */
	uint64_t	dropped;	/* lines that did not fit since the last that did */
	size_t		in_len, out_len;
	char		in[SERVER_REQUEST];
	char		out[OUT_OCTETS];
};

int server_listen(const char *run_dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int len = snprintf(at.sun_path, sizeof(at.sun_path), "%s/" CONTROL_SOCKET, run_dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	int err = 0;

	if (fd < 0 || len >= (int)sizeof(at.sun_path) ||
	    (unlink(at.sun_path) && errno != ENOENT) ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) || listen(fd, 64)) {
		err = len >= (int)sizeof(at.sun_path) ? -ENAMETOOLONG : -errno;
		log_error("control socket %s: %s", at.sun_path, strerror(-err));
		if (fd >= 0)
			close(fd);
	}
	umask(mask);
	return err ? err : fd;
}

static bool is_root(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static void drop_client(struct server *s, unsigned int place)
{
	struct server_client *c = s->clients[place];

	s->watchers -= c->phase == PHASE_WATCH;
	close(c->fd);
	free(c);
	s->clients[place] = NULL;
}

/* All or nothing of a line into the client's buffer. */
static bool put(struct server_client *c, const char *line, size_t len)
{
	if (len > sizeof(c->out) - c->out_len)
		return false;
	memcpy(c->out + c->out_len, line, len);
	c->out_len += len;
	return true;
}

static void put_error(struct server_client *c, const char *text)
{
	char line[256];
	struct json j;
	int len;

	json_begin(&j, line, sizeof(line));
	json_text(&j, "error", text);
	len = json_end(&j);
	if (len > 0)
		put(c, line, (size_t)len);
	c->phase = PHASE_LAST;
}

static void accept_one(struct server *s, int fd, uint64_t now)
{
	struct server_client *c;
	unsigned int place = 0;

	while (place < SERVER_CLIENTS && s->clients[place])
		place++;
	c = place < SERVER_CLIENTS && is_root(fd) ? malloc(sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->phase = PHASE_REQUEST;
	c->until = now + REQUEST_NS;
	c->dropped = 0;
	c->in_len = 0;
	c->out_len = 0;
	s->clients[place] = c;
}

/* A bounded number a round, so that a flood of connections does not hold up the records. */
static void accept_some(struct server *s, uint64_t now)
{
	for (int i = 0; i < 16; i++) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		accept_one(s, fd, now);
	}
}

static void ask_status(struct server *s, struct server_client *c)
{
	char line[8192];
	int len = s->status(s->arg, line, sizeof(line));

	if (len > 0)
		put(c, line, (size_t)len);
	c->phase = PHASE_LAST;
}

static void ask_watch(struct server *s, struct server_client *c)
{
	c->phase = PHASE_WATCH;
	s->watchers++;
}

static const struct {
	const char *request;
	void (*answer)(struct server *s, struct server_client *c);
} requests[] = {
	{ "status", ask_status },
	{ "watch", ask_watch },
};

/* The client's line is whole: the first @len octets of its buffer. */
static void answer(struct server *s, struct server_client *c, size_t len)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strlen(requests[i].request) == len &&
		    memcmp(requests[i].request, c->in, len) == 0) {
			requests[i].answer(s, c);
			return;
		}
	}
	put_error(c, "unknown request, expected status or watch");
}

/* False when the client is gone. What follows the request is read and forgotten. */
static bool read_some(struct server *s, struct server_client *c)
{
	char rest[4096];
	bool asking = c->phase == PHASE_REQUEST;
	char *at = asking ? c->in + c->in_len : rest;
	size_t room = asking ? sizeof(c->in) - c->in_len : sizeof(rest);
	ssize_t got = recv(c->fd, at, room, MSG_DONTWAIT);
	char *end;

	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	if (!asking)
		return true;
	c->in_len += (size_t)got;
	end = memchr(c->in, '\n', c->in_len);
	if (end)
		answer(s, c, (size_t)(end - c->in));
	else if (c->in_len == sizeof(c->in))
		put_error(c, "request too long, expected status or watch and a line feed");
	return true;
}

/* False when the client is gone or has all that it will get. */
static bool write_some(struct server_client *c)
{
	ssize_t sent = 0;

	if (c->out_len) {
		sent = send(c->fd, c->out, c->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN;
		c->out_len -= (size_t)sent;
		memmove(c->out, c->out + sent, c->out_len);
	}
	return c->out_len || c->phase != PHASE_LAST;
}

unsigned int server_poll(const struct server *s, struct pollfd *p)
{
	unsigned int count = 0;

	p[count++] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	for (unsigned int i = 0; i < SERVER_CLIENTS; i++)
		if (s->clients[i])
			p[count++] = (struct pollfd){
				.fd = s->clients[i]->fd,
				.events = s->clients[i]->out_len ? POLLIN | POLLOUT : POLLIN,
			};
	return count;
}

static short events_of(const struct pollfd *p, unsigned int count, int fd)
{
	for (unsigned int i = 0; i < count; i++)
		if (p[i].fd == fd)
			return p[i].revents;
	return 0;
}

void server_run(struct server *s, const struct pollfd *p, unsigned int count, uint64_t now)
{
	for (unsigned int i = 0; i < SERVER_CLIENTS; i++) {
		struct server_client *c = s->clients[i];
		short events = c ? events_of(p, count, c->fd) : 0;
		bool alive = true;

		if (!c)
			continue;
		if (events & (POLLIN | POLLHUP | POLLERR))
			alive = read_some(s, c);
		if (alive)
			alive = write_some(c);
		if (!alive || (c->phase != PHASE_WATCH && now >= c->until))
			drop_client(s, i);
	}
	/* Last, so that no new client has the number of one that is in @p. */
	if (events_of(p, count, s->listener))
		accept_some(s, now);
}

/* How many lines this watcher missed, before he gets the next one. */
static void tell_dropped(struct server_client *c)
{
	char line[64];
	struct json j;
	int len;

	json_begin(&j, line, sizeof(line));
	json_number(&j, "dropped", (int64_t)c->dropped);
	len = json_end(&j);
	if (len > 0 && put(c, line, (size_t)len))
		c->dropped = 0;
}

void server_tell(struct server *s, const char *line, size_t len)
{
	for (unsigned int i = 0; i < SERVER_CLIENTS; i++) {
		struct server_client *c = s->clients[i];

		if (!c || c->phase != PHASE_WATCH)
			continue;
		if (c->dropped && c->out_len < sizeof(c->out) / 2)
			tell_dropped(c);
		if (c->dropped || !put(c, line, len))
			c->dropped++;
	}
}

uint64_t server_due(const struct server *s)
{
	uint64_t due = UINT64_MAX;

	for (unsigned int i = 0; i < SERVER_CLIENTS; i++)
		if (s->clients[i] && s->clients[i]->phase != PHASE_WATCH &&
		    s->clients[i]->until < due)
			due = s->clients[i]->until;
	return due;
}

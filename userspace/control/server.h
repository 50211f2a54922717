/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The answering side of the control socket (doc/control.rst): a bounded number
 * of clients of root, one request line each. Nothing here waits: what a slow
 * watcher does not read is dropped for him and counted. The clerk's one thread.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_CLIENTS	32
#define SERVER_REQUEST	256	/* octets of a request with its line feed */

struct server_client;

struct server {
	int		listener;
	struct server_client *clients[SERVER_CLIENTS];	/* NULL = free */
	unsigned int	watchers;
	/* Writes the answer to `status`, a line; its length or -errno. */
	int		(*status)(void *arg, char *buf, size_t size);
	void		*arg;
};

/* As root: make the socket, mode 0600. Returns a descriptor or -errno after an error in the log. */
int server_listen(const char *run_dir);

/* Descriptors to wait for; @p has SERVER_CLIENTS + 1 places. Returns how many were used. */
unsigned int server_poll(const struct server *s, struct pollfd *p);

/* Do what can be done after a poll over these @count places. @now is boot-time ns. */
void server_run(struct server *s, const struct pollfd *p, unsigned int count, uint64_t now);

/* Give a line (with its line feed) to every watcher. */
void server_tell(struct server *s, const char *line, size_t len);

/* Boot-time ns by which server_run() wants to be called again; UINT64_MAX = not at all. */
uint64_t server_due(const struct server *s);

#endif

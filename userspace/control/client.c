// SPDX-License-Identifier: GPL-2.0
/* The asking side of the control socket; for the CLI. */
#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MOST	65536
#define ANSWER_MS	5000

struct answer {
	int fd;
	int wait_ms;		/* for the next octets; -1 = for ever */
	size_t len;
	char buf[LINE_MOST];
};

static int connect_to(const struct conf *conf)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, len;

	len = snprintf(to.sun_path, sizeof(to.sun_path), "%s/" CONTROL_SOCKET, conf->run_dir);
	if (len >= (int)sizeof(to.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int send_request(int fd, const char *request)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s\n", request);

	if (len >= (int)sizeof(line))
		return -EINVAL;
	return send(fd, line, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -EPIPE;
}

/* Returns the number of octets read, 0 at the end of the answer, -errno. */
static ssize_t read_more(struct answer *a)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	int ready = poll(&p, 1, a->wait_ms);
	ssize_t got;

	if (ready <= 0)
		return ready ? -errno : -ETIMEDOUT;
	got = read(a->fd, a->buf + a->len, sizeof(a->buf) - a->len);
	/* The daemon closed with octets of ours unread: its answer came before. */
	if (got < 0 && errno == ECONNRESET)
		return 0;
	return got < 0 ? -errno : got;
}

/* Hand over the whole lines that stand in the buffer. */
static int give_lines(struct answer *a, int (*line)(void *arg, const char *json), void *arg)
{
	char *begin = a->buf, *end;
	int stop = 0;

	while (!stop && (end = memchr(begin, '\n', a->len - (size_t)(begin - a->buf)))) {
		*end = '\0';
		stop = line(arg, begin);
		begin = end + 1;
	}
	a->len -= (size_t)(begin - a->buf);
	memmove(a->buf, begin, a->len);
	return stop;
}

static int read_answer(struct answer *a, int (*line)(void *arg, const char *json), void *arg)
{
	for (;;) {
		ssize_t got = read_more(a);
		int stop;

		if (got <= 0)
			return (int)got;
		a->len += (size_t)got;
		stop = give_lines(a, line, arg);
		if (stop)
			return stop;
		if (a->len == sizeof(a->buf))
			return -EMSGSIZE;
	}
}

int control_call(const struct conf *conf, const char *request,
		 int (*line)(void *arg, const char *json), void *arg)
{
	struct answer *a = malloc(sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->len = 0;
	a->wait_ms = strcmp(request, "watch") == 0 ? -1 : ANSWER_MS;
	a->fd = connect_to(conf);
	err = a->fd < 0 ? a->fd : 0;
	if (!err)
		err = send_request(a->fd, request);
	if (!err)
		err = read_answer(a, line, arg);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
	return err;
}

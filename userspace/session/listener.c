// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners: listener.h. One AF_INET6 socket serves both families. No
 * SO_REUSEPORT: bpf_sk_assign() refuses such sockets before Linux 6.6.
 */
#include "session/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* Cut by net.core.somaxconn. */
#define BACKLOG	65535

static const struct {
	int level;
	int option;
	int value;
} options[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1 },
	{ IPPROTO_IPV6, IPV6_V6ONLY, 0 },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, 1 },
	{ IPPROTO_IP, IP_TRANSPARENT, 1 },
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
};

static int prepare(int fd, unsigned int port)
{
	struct sockaddr_in6 name = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(fd, options[i].level, options[i].option, &options[i].value,
			       sizeof(options[i].value)))
			return -errno;
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) || listen(fd, BACKLOG))
		return -errno;
	return 0;
}

int listener_open(unsigned int port)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = prepare(fd, port);
	if (!err)
		return fd;
	close(fd);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/* Dialling: dial.h. */
#include "session/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"

/* Ports that are tried by name: so many, from here up, where clients have theirs. */
#define SEARCH_PORTS	16
#define SEARCH_FROM	32768

static int set_to(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int set_on(int fd, int level, int option)
{
	return set_to(fd, level, option, 1);
}

/* Higher than hosts start with: by it the steering suspects a SYN that came back to us. */
static int set_ttl(int fd, bool v4)
{
	return v4 ? set_to(fd, IPPROTO_IP, IP_TTL, POSTERN_LEG_TTL) :
		    set_to(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, POSTERN_LEG_TTL);
}

static int prepare(int fd, bool v4)
{
	int err = v4 ? set_on(fd, IPPROTO_IP, IP_TRANSPARENT) :
		       set_on(fd, IPPROTO_IPV6, IPV6_TRANSPARENT);

	/* The kernel chooses a port at connect(), for this exchanger alone (field note F5). */
	if (!err)
		err = set_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	/*
	 * A port that we name may have other legs, of this line to another
	 * exchanger or at rest: connect() says whether both ends are free.
	 */
	if (!err)
		err = set_on(fd, SOL_SOCKET, SO_REUSEADDR);
	if (!err)
		err = set_ttl(fd, v4);
	/* Nagle meets delayed acknowledgements: 40 ms and more for each message. */
	if (!err)
		err = set_on(fd, IPPROTO_TCP, TCP_NODELAY);
	return err;
}

/* One dial. @port_refused: another port may do better. */
static int dial_from(const struct postern_addr *from, unsigned int port,
		     const struct postern_addr *to, bool *port_refused)
{
	struct sockaddr_storage here, there;
	socklen_t here_len = addr_to_sockaddr(from, port, &here);
	socklen_t there_len = addr_to_sockaddr(to, POSTERN_SMTP_PORT, &there);
	int fd = socket(there.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	*port_refused = false;
	if (fd < 0)
		return -errno;
	err = prepare(fd, addr_is_v4(from));
	if (!err && bind(fd, (struct sockaddr *)&here, here_len)) {
		err = -errno;
		*port_refused = port != 0;
	}
	if (!err && connect(fd, (struct sockaddr *)&there, there_len) && errno != EINPROGRESS) {
		err = -errno;
		*port_refused = err == -EADDRNOTAVAIL || err == -EADDRINUSE;
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}

/*
 * The kernel's own choice passes over every port that somebody has named, for
 * whatever address (field note F5): one line with many ports of its own would
 * leave none to others. So some are named here, at random.
 */
static int dial_search(const struct postern_addr *from, const struct postern_addr *to, int err)
{
	bool again = true;
	uint16_t port;

	for (int i = 0; i < SEARCH_PORTS && again; i++) {
		if (getrandom(&port, sizeof(port), GRND_NONBLOCK) != sizeof(port))
			return err;
		port = (uint16_t)(SEARCH_FROM + port % (65536 - SEARCH_FROM));
		err = dial_from(from, port, to, &again);
	}
	return err;
}

int dial(const struct postern_addr *from, unsigned int *port, const struct postern_addr *to)
{
	bool again = false;
	int fd;

	if (*port) {
		fd = dial_from(from, *port, to, &again);
		if (!again)
			return fd;
		*port = 0;
	}
	fd = dial_from(from, 0, to, &again);
	return again ? dial_search(from, to, fd) : fd;
}

int dial_result(int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return -err;
}

enum postern_reason dial_reason(int err)
{
	static const struct {
		int			err;
		enum postern_reason	reason;
	} rows[] = {
		{ ECONNREFUSED,	POSTERN_R_end_dial_refused },
		{ ECONNRESET,	POSTERN_R_end_mx_reset },	/* it had taken the connection */
		{ ETIMEDOUT,	POSTERN_R_end_dial_timeout },
		{ EHOSTUNREACH,	POSTERN_R_end_dial_unreachable },
		{ ENETUNREACH,	POSTERN_R_end_dial_unreachable },
		{ EHOSTDOWN,	POSTERN_R_end_dial_unreachable },
		{ ENETDOWN,	POSTERN_R_end_dial_unreachable },
		{ ENOPROTOOPT,	POSTERN_R_end_dial_unreachable },	/* ICMP, protocol */
		{ EACCES,	POSTERN_R_end_dial_unreachable },	/* prohibited */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].err == -err)
			return rows[i].reason;
	return POSTERN_R_end_dial_local;
}

bool dial_exchanger_dead(enum postern_reason reason)
{
	return reason == POSTERN_R_end_dial_refused ||
	       reason == POSTERN_R_end_dial_unreachable ||
	       reason == POSTERN_R_end_dial_timeout;
}

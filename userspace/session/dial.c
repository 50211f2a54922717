// SPDX-License-Identifier: GPL-2.0
/* Dialling: dial.h. */
#include "session/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"

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

static int prepare(int fd, const struct postern_addr *from)
{
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(from, 0, &name);
	int err;

	err = addr_is_v4(from) ? set_on(fd, IPPROTO_IP, IP_TRANSPARENT) :
				 set_on(fd, IPPROTO_IPV6, IPV6_TRANSPARENT);
	/* The port is chosen at connect(), for this exchanger alone (field note F5). */
	if (!err)
		err = set_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	if (!err)
		err = set_ttl(fd, addr_is_v4(from));
	/* Nagle meets delayed acknowledgements: 40 ms and more for each message. */
	if (!err)
		err = set_on(fd, IPPROTO_TCP, TCP_NODELAY);
	if (!err && bind(fd, (struct sockaddr *)&name, len))
		err = -errno;
	return err;
}

int dial(const struct postern_addr *from, const struct postern_addr *to)
{
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(to, POSTERN_SMTP_PORT, &name);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = prepare(fd, from);
	if (!err && connect(fd, (struct sockaddr *)&name, len) && errno != EINPROGRESS)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
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

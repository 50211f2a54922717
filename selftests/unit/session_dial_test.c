// SPDX-License-Identifier: GPL-2.0
/* Dialling and listening over real sockets, in a network namespace of the test's own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "session/dial.h"
#include "session/listener.h"

#define WISHED	40123

static void setup(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd;

	cr_assert_eq(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	cr_assert_eq(ioctl(fd, SIOCGIFFLAGS, &lo), 0);
	lo.ifr_flags |= IFF_UP;
	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

TestSuite(session_dial, .init = setup);

static struct postern_addr addr(const char *text)
{
	struct postern_addr a;

	cr_assert_eq(addr_parse(text, &a), 0);
	return a;
}

static int exchanger(void)
{
	int fd = listener_open(POSTERN_SMTP_PORT);

	cr_assert_geq(fd, 0, "%s", strerror(-fd));
	return fd;
}

/* How the dial ended; -EINPROGRESS: it did not within 5 s. */
static int outcome(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 5000) == 1 ? dial_result(fd) : -EINPROGRESS;
}

/* Whom the exchanger sees. */
static unsigned int peer_of(int listener, struct postern_addr *from)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	unsigned int port;
	int fd;

	cr_assert_eq(poll(&p, 1, 5000), 1);
	fd = accept(listener, (struct sockaddr *)&name, &len);
	cr_assert_geq(fd, 0);
	cr_assert_eq(addr_from_sockaddr((struct sockaddr *)&name, from, &port), 0);
	return port;
}

static void dial_and_see(const char *from_text, const char *to_text)
{
	struct postern_addr from = addr(from_text), to = addr(to_text), seen;
	int listener = exchanger(), ttl = 0;
	socklen_t len = sizeof(ttl);
	unsigned int port = 0;
	int fd = dial(&from, &port, &to);

	cr_assert_geq(fd, 0, "%s", strerror(-fd));
	cr_assert_eq(outcome(fd), 0);
	cr_assert_geq(peer_of(listener, &seen), 1024);
	cr_assert(addr_equal(&seen, &from));
	if (addr_is_v4(&to))
		cr_assert_eq(getsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, &len), 0);
	else
		cr_assert_eq(getsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, &len), 0);
	cr_assert_eq(ttl, POSTERN_LEG_TTL);
	close(fd);
	close(listener);
}

Test(session_dial, from_an_address_that_is_not_ours)
{
	dial_and_see("127.0.0.2", "127.0.0.1");
	dial_and_see("::1", "::1");
}

Test(session_dial, E87_the_wished_port_or_another)
{
	struct postern_addr from = addr("127.0.0.2"), to = addr("127.0.0.1"), seen;
	int listener = exchanger(), first, second;
	unsigned int port = WISHED;

	first = dial(&from, &port, &to);
	cr_assert_eq(outcome(first), 0);
	cr_assert_eq(port, WISHED);
	cr_assert_eq(peer_of(listener, &seen), WISHED);
	second = dial(&from, &port, &to);
	cr_assert_eq(outcome(second), 0);
	cr_assert_eq(port, 0, "the same pair cannot be had twice");
	cr_assert_neq(peer_of(listener, &seen), WISHED);
	cr_assert(addr_equal(&seen, &from));
}

Test(session_dial, E68_nobody_listens)
{
	struct postern_addr from = addr("127.0.0.2"), to = addr("127.0.0.9");
	unsigned int port = 0;
	int fd = dial(&from, &port, &to);
	int err = fd < 0 ? fd : outcome(fd);

	cr_assert_eq(err, -ECONNREFUSED);
	cr_assert_eq(dial_reason(err), POSTERN_R_end_dial_refused);
	cr_assert(dial_exchanger_dead(dial_reason(err)));
}

Test(session_dial, E70_no_way_there)
{
	struct postern_addr from = addr("127.0.0.2"), to = addr("198.51.100.25");
	unsigned int port = 0;
	int err = dial(&from, &port, &to);

	cr_assert_lt(err, 0);
	cr_assert_eq(dial_reason(err), POSTERN_R_end_dial_unreachable, "%s", strerror(-err));
}

Test(session_dial, what_is_our_own_fault_is_not_the_exchangers)
{
	cr_assert_eq(dial_reason(-EADDRNOTAVAIL), POSTERN_R_end_dial_local);
	cr_assert_not(dial_exchanger_dead(POSTERN_R_end_dial_local));
	cr_assert_not(dial_exchanger_dead(dial_reason(-ECONNRESET)));
	cr_assert_eq(dial_result(-1), -EBADF);
}

Test(session_dial, a_port_has_one_listener)
{
	int first = exchanger();

	cr_assert_geq(first, 0);
	cr_assert_eq(listener_open(POSTERN_SMTP_PORT), -EADDRINUSE);
}

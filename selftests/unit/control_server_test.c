// SPDX-License-Identifier: GPL-2.0
/* control/server.c and client.c over a real socket: answers, watchers, abuse. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/client.h"
#include "control/server.h"

static char dir[64];
static struct server server;
static uint64_t later;		/* ns that the server's clock is ahead */

static int status_line(void *arg, char *buf, size_t size)
{
	(void)arg;
	return snprintf(buf, size, "{\"ready\":true}\n");
}

static void init(void)
{
	log_init("test", LOG_LEVEL_PANIC);
	if (geteuid() != 0)
		cr_skip_test("needs root");
	strcpy(dir, "/tmp/postern-control-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	server = (struct server){ .listener = server_listen(dir), .status = status_line };
	cr_assert_geq(server.listener, 0);
	later = 0;
}

static void fini(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, dir);
	unlink(path);
	rmdir(dir);
}

TestSuite(control_server, .init = init, .fini = fini, .timeout = 60);

/* One turn of the clerk's loop, which waits at most @ms; how many were ready. */
static int step(int ms)
{
	struct pollfd p[SERVER_CLIENTS + 1];
	unsigned int count = server_poll(&server, p);
	int ready = poll(p, count, ms);

	server_run(&server, p, count, clock_boot() + later);
	return ready;
}

/* Until nothing is ready any more. */
static void settle(void)
{
	while (step(0) > 0)
		;
}

static int try_connect(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/" CONTROL_SOCKET, dir);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -errno;
}

static int client_new(const char *request)
{
	int fd = try_connect();

	cr_assert_geq(fd, 0);
	if (request)
		cr_assert_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	settle();
	return fd;
}

/* What the server wrote so far; "" for nothing, "closed" behind it when it closed. */
static const char *heard(int fd)
{
	static char text[4096];
	size_t len = 0;
	ssize_t got;

	while ((got = recv(fd, text + len, sizeof(text) - len - 8, 0)) > 0)
		len += (size_t)got;
	strcpy(text + len, got == 0 || errno == ECONNRESET ? "closed" : "");
	return text;
}

static unsigned int clients(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < SERVER_CLIENTS; i++)
		count += server.clients[i] != NULL;
	return count;
}

/* As another user: 1 = not let in, 2 = closed without a word, 3 = answered. */
static int ask_as_nobody(void)
{
	char answer[64];
	int fd;

	if (setuid(65534))
		return 99;
	fd = try_connect();
	if (fd < 0)
		return fd == -EACCES ? 1 : 98;
	send(fd, "status\n", 7, MSG_NOSIGNAL);
	for (;;) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);

		if (got > 0)
			return 3;
		if (got == 0 || errno != EAGAIN)
			return 2;
		usleep(1000);
	}
}

Test(control_server, only_root_is_answered)
{
	char path[128];
	struct stat st;
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_assert_eq(chmod(dir, 0755), 0);
	/* Even if the mode were wrong: the credentials are looked at. */
	for (int mode = 0600; mode <= 0666; mode += 066) {
		cr_assert_eq(chmod(path, (mode_t)mode), 0);
		pid = fork();
		if (pid == 0)
			_exit(ask_as_nobody());
		while (waitpid(pid, &status, WNOHANG) == 0)
			step(10);
		cr_expect_eq(WEXITSTATUS(status), mode == 0600 ? 1 : 2);
	}
}

Test(control_server, requests)
{
	static const char unknown[] =
		"{\"error\":\"unknown request, expected status or watch\"}\nclosed";
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ "status\n", "{\"ready\":true}\nclosed" },
		{ "status\nstatus\nwatch\n", "{\"ready\":true}\nclosed" },
		{ "statu\n", unknown },
		{ "STATUS\n", unknown },
		{ "status \n", unknown },
		{ "\n", unknown },
		{ "status", "" },
		{ "watch\n", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = client_new(rows[i].request);

		cr_expect_str_eq(heard(fd), rows[i].answer, "%s", rows[i].request);
		close(fd);
		settle();
		cr_expect_eq(clients(), 0);
	}
	cr_expect_eq(server.watchers, 0);
}

Test(control_server, octet_nul_in_a_request)
{
	int fd = client_new(NULL);

	cr_assert_eq(write(fd, "status\0\n", 8), 8);
	settle();
	cr_expect_str_eq(heard(fd), "{\"error\":\"unknown request, expected status or watch\"}\n"
			 "closed");
}

Test(control_server, request_in_single_octets)
{
	int fd = client_new(NULL);

	for (const char *p = "status\n"; *p; p++) {
		cr_expect_str_eq(heard(fd), "");
		cr_assert_eq(write(fd, p, 1), 1);
		settle();
	}
	cr_expect_str_eq(heard(fd), "{\"ready\":true}\nclosed");
}

Test(control_server, megabyte_without_a_line_feed)
{
	static char block[65536];
	int fd = client_new(NULL);
	size_t sent = 0;

	memset(block, 'a', sizeof(block));
	while (sent < 1024 * 1024) {
		ssize_t done = send(fd, block, sizeof(block), MSG_NOSIGNAL);

		if (done < 0 && errno != EAGAIN)
			break;
		sent += done > 0 ? (size_t)done : 0;
		settle();
	}
	cr_expect_lt(sent, 1024 * 1024, "the server stopped listening to it");
	cr_expect_str_eq(heard(fd), "{\"error\":\"request too long, expected status or watch and a "
			 "line feed\"}\nclosed");
	cr_expect_eq(clients(), 0);
}

Test(control_server, garbage)
{
	unsigned int seed = 75;

	for (int i = 0; i < 500; i++) {
		char text[600];
		size_t len = 1 + (size_t)rand_r(&seed) % sizeof(text);
		int fd = try_connect();

		cr_assert_geq(fd, 0);
		for (size_t at = 0; at < len; at++)
			text[at] = (char)rand_r(&seed);
		send(fd, text, len, MSG_NOSIGNAL);
		step(0);
		step(0);
		close(fd);
	}
	settle();
	cr_expect_eq(clients(), 0);
	cr_expect_str_eq(heard(client_new("status\n")), "{\"ready\":true}\nclosed");
}

Test(control_server, thousand_connections)
{
	static int fds[1000];
	int watcher = client_new("watch\n");
	unsigned int open = 0;

	for (int i = 0; i < 1000; i++) {
		fds[i] = try_connect();
		if (fds[i] < 0)
			settle();
	}
	settle();
	for (int i = 0; i < 1000; i++)
		open += fds[i] >= 0 && strcmp(heard(fds[i]), "") == 0;
	cr_expect_eq(open, SERVER_CLIENTS - 1, "%u", open);
	cr_expect_eq(clients(), SERVER_CLIENTS);
	server_tell(&server, "{\"a\":1}\n", 8);
	settle();
	cr_expect_str_eq(heard(watcher), "{\"a\":1}\n", "who watches goes on watching");
	/* Those that say nothing lose their places. */
	cr_expect_lt(server_due(&server), clock_boot() + 6 * NS_PER_SEC);
	later = 6 * NS_PER_SEC;
	settle();
	cr_expect_eq(clients(), 1);
	cr_expect_eq(server_due(&server), UINT64_MAX, "a watcher has no deadline");
	later = 0;
	cr_expect_str_eq(heard(client_new("status\n")), "{\"ready\":true}\nclosed");
}

Test(control_server, slow_watcher)
{
	static char line[1024], text[1024 * 1024];
	int fd = client_new("watch\n"), quick = client_new("watch\n");
	size_t len = 0, told = 2000;
	long long dropped = 0;
	unsigned int lines = 0;
	ssize_t got;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (size_t i = 0; i < told; i++) {
		server_tell(&server, line, sizeof(line));
		settle();
		while (read(quick, text, sizeof(text)) > 0)
			;
	}
	/* Now he reads, with one more line to come. */
	for (int i = 0; i < 2000 && (step(0), 1); i++) {
		got = read(fd, text + len, sizeof(text) - len);
		len += got > 0 ? (size_t)got : 0;
		if (i == 1000)
			server_tell(&server, line, sizeof(line));
	}
	for (char *p = text; p < text + len; p = strchr(p, '\n') + 1)
		if (*p == 'x')
			lines++;
		else
			cr_assert_eq(sscanf(p, "{\"dropped\":%lld}", &dropped), 1);
	cr_expect_gt(dropped, 0);
	cr_expect_eq(lines + dropped, told + 1, "%u lines, %lld dropped", lines, dropped);
	cr_expect_eq(server.watchers, 2);
}

static atomic_bool stop_serving;

static void *serve(void *arg)
{
	while (!atomic_load(&stop_serving))
		step(10);
	return arg;
}

static int count_line(void *arg, const char *json)
{
	cr_expect_str_eq(json, "{\"ready\":true}");
	(*(int *)arg)++;
	return 0;
}

static int stop_at_first(void *arg, const char *json)
{
	(void)arg;
	cr_expect_str_eq(json, "{\"a\":1}");
	return 77;
}

static void *tell(void *arg)
{
	while (!atomic_load(&stop_serving)) {
		step(10);
		server_tell(&server, "{\"a\":1}\n", 8);
	}
	return arg;
}

static int call(void *(*other)(void *), const char *request,
		int (*line)(void *arg, const char *json), void *arg)
{
	struct conf conf = { .run_dir = dir };
	pthread_t thread;
	int rc;

	atomic_store(&stop_serving, false);
	cr_assert_eq(pthread_create(&thread, NULL, other, NULL), 0);
	rc = control_call(&conf, request, line, arg);
	atomic_store(&stop_serving, true);
	pthread_join(thread, NULL);
	return rc;
}

Test(control_server, calls)
{
	int lines = 0;

	for (int i = 0; i < 20; i++)
		cr_expect_eq(call(serve, "status", count_line, &lines), 0);
	cr_expect_eq(lines, 20);
	cr_expect_eq(call(tell, "watch", stop_at_first, NULL), 77);
}

Test(control_server, nobody_there)
{
	struct conf conf = { .run_dir = dir };

	close(server.listener);
	cr_expect_eq(control_call(&conf, "status", count_line, NULL), -ECONNREFUSED);
	conf.run_dir = (char *)"/nonexistent";
	cr_expect_eq(control_call(&conf, "status", count_line, NULL), -ENOENT);
	server.listener = server_listen(dir);
	cr_expect_geq(server.listener, 0, "a socket that was left is replaced");
}

// SPDX-License-Identifier: GPL-2.0
/* session/: back-pressure, memory, deadlines, draining. */
#include "session_lab.h"

TestSuite(session_limits, .init = lab_setup, .fini = lab_teardown, .timeout = 60);

static bool client_blocked(const void *arg)
{
	static char junk[4096];
	size_t *sent = (size_t *)(uintptr_t)arg;
	ssize_t n;

	if (!junk[0])
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
	n = send(t.client.fd, junk, sizeof(junk) - *sent % 64, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		*sent += (size_t)n;
	return n < 0 && errno == EAGAIN && !t.w.runnable;
}

/* An exchanger that does not read stops the client, and costs bounded memory. */
Test(session_limits, back_pressure_reaches_the_client)
{
	int small = 64 * 1024, mx;
	size_t sent = 0, before, stalls = 0;

	up_to_data();
	mx = t.mx.fd;
	setsockopt(t.client.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(t.w.sessions->server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	t.mx.fd = -1;		/* not read */
	while (stalls < 50) {
		before = sent;
		turn_until(client_blocked, &sent, "the client to be stopped");
		stalls = sent == before ? stalls + 1 : 0;
	}
	cr_assert_leq(t.w.store.blocks.used * CHAIN_BLOCK, 68 * 1024);
	cr_assert_gt(sent, 64 * 1024);
	/* Read on: every octet arrives. */
	t.mx.fd = mx;
	t.mx.len = 0;
	while (t.mx.len < sent) {
		worker_turn(&t.w, 2);
		end_read(&t.mx);
	}
	put(&t.client, sent % 64 == 63 ? "\n.\r\n" : "\r\n.\r\n");
	while (memcmp(t.mx.seen + t.mx.len - 5, "\r\n.\r\n", 5)) {
		worker_turn(&t.w, 2);
		end_read(&t.mx);
	}
	cr_assert_geq(t.mx.len, sent);
	cr_assert_eq(t.w.store.blocks.used, 0, "an idle session holds blocks");
}

Test(session_limits, over_the_limit_gets_421)
{
	t.conf->max_sessions = 1;
	up_to_data();
	arrive("198.51.100.25", 25);
	expect("client", "421 4.3.2");
	put(&t.client, "QUIT\r\n");
	turn_until(end_over, &t.client, "the second client's end");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_memory);
	cr_assert_eq(t.tallies[POSTERN_R_end_memory], 1);
}

Test(session_limits, out_of_memory_gets_421)
{
	t.w.store.budget = t.w.store.birth;
	up_to_data();
	arrive("198.51.100.25", 25);
	expect("client", "421 4.3.2");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_memory);
}

/* With nothing left to share, a session still carries a message. */
Test(session_limits, a_full_memory_does_not_stop_a_session)
{
	static char line[1000];
	size_t sent = 0;

	t.w.store.budget = t.w.store.birth;
	up_to_data();
	memset(line, 'y', sizeof(line) - 1);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	while (sent < 300 * 1000) {
		ssize_t n = send(t.client.fd, line + sent % 999, 999 - sent % 999,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		worker_turn(&t.w, 0);
		end_read(&t.mx);
	}
	put(&t.client, sent % 999 == 998 ? "\n.\r\n" : "\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
}

Test(session_limits, idle_client_is_told_and_closed)
{
	t.conf->idle_timeout = 30 * NS_PER_MS;
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	expect("client", "421 4.4.2");
	turn_until(end_over, &t.client, "the client's end");
	cr_assert(t.client.eof, "closed by reset, not in order");
	close(t.client.fd);
	expect_tally(POSTERN_R_end_timeout_idle);
}

Test(session_limits, mute_exchanger_ends_the_session)
{
	t.conf->greeting_timeout = 30 * NS_PER_MS;
	arrive("198.51.100.25", 25);
	mx_accept();
	turn_until(end_over, &t.client, "the client's end");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_timeout_greeting);
}

Test(session_limits, a_side_that_does_not_read_is_cut)
{
	size_t sent = 0;

	t.conf->write_timeout = 50 * NS_PER_MS;
	up_to_data();
	t.mx.fd = dup(t.mx.fd);
	t.mx.fd = -1;
	while (!t.tallies[POSTERN_R_end_timeout_write] && sent < (64u << 20)) {
		client_blocked(&sent);
		worker_turn(&t.w, 2);
	}
	cr_assert_eq(t.tallies[POSTERN_R_end_timeout_write], 1);
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 1);
}

Test(session_limits, total_time_ends_between_transactions)
{
	up_to_data();
	t.conf->session_timeout = 1;
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
	expect("client", "421 4.4.2");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_timeout_total);
}

/* B33: an octet now and then is progress for body_timeout, but not for ever. */
Test(session_limits, a_dribbled_message_is_cut)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n");
	expect("mx", "hello");
	/* Six minutes ago, it seems. */
	t.w.sessions->mail.begun -= 360 * NS_PER_SEC;
	put(&t.client, "x");
	expect_tally(POSTERN_R_end_timeout_body);
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 1);
}

/* E80: a line refused meanwhile finishes its message and no other. */
Test(session_limits, line_refused_while_a_message_runs)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhel");
	expect("mx", "hel");
	t.line.treatment = POSTERN_REFUSE;
	t.w.sessions->line_seen = 0;
	put(&t.client, "lo\r\n.\r\n");
	expect("mx", "hello\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
	expect("client", "421 4.7.0");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_refused_line);
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
}

/* A refused line whose class says "greet"; the dial would show as end_dial_local. */
static void arrive_refused(void)
{
	t.dial_err = -ENOSYS;
	t.line.treatment = POSTERN_REFUSE;
	t.conf->classes[0].refused = CONF_REFUSED_GREET;
	t.client.fd = -1;
	arrive("198.51.100.25", 25);
}

/* E81 */
Test(session_limits, refused_line_is_told_why)
{
	arrive_refused();
	expect("client", "554 5.7.1 sending on port 25 is blocked for this line");
	put(&t.client, "EHLO pc\r\nMAIL FROM:<a@x.example>\r\n");
	expect("client", "503 5.5.1");
	put(&t.client, "QUIT\r\n");
	expect("client", "221 2.0.0");
	close(t.client.fd);
	t.client.fd = -1;
	turn_until(all_gone, NULL, "the session's end");
	cr_assert_eq(t.tallies[POSTERN_R_end_refused_line], 1);
	cr_assert_eq(t.tallies[POSTERN_R_end_dial_local], 0);
	cr_assert_eq(t.tallies[POSTERN_R_session_started], 0);
}

/* It neither speaks nor goes: we end it, in order, although idle_timeout is far. */
Test(session_limits, refused_line_does_not_stay)
{
	arrive_refused();
	expect("client", "554 5.7.1");
	cr_assert_leq(t.w.sessions->linger_until, t.w.now + 10 * NS_PER_SEC);
	wheel_stop(&t.w.wheel, &t.w.sessions->timer);
	t.w.sessions->linger_until = t.w.now + 50 * NS_PER_MS;
	put(&t.client, "NOOP\r\n");
	expect("client", "503 5.5.1");
	turn_until(end_over, &t.client, "our close");
	cr_assert(t.client.eof, "not an orderly end");
	turn_until(all_gone, NULL, "the session's end");
	cr_assert_eq(t.tallies[POSTERN_R_end_refused_line], 1);
}

/* In shadow nothing is refused; and only so many are told at a time. */
Test(session_limits, refused_line_is_reset_all_the_same)
{
	t.line.shadow = true;
	arrive_refused();
	turn_until(end_over, &t.client, "the reset");
	cr_assert_eq(t.client.err, ECONNRESET);
	close(t.client.fd);
	t.line.shadow = false;
	atomic_store(&t.all.refusals, t.conf->max_sessions / 16 + 16);
	arrive_refused();
	turn_until(end_over, &t.client, "the reset");
	cr_assert_eq(t.client.err, ECONNRESET);
	cr_assert_eq(t.client.len, 0);
	cr_assert_eq(t.tallies[POSTERN_R_end_refused_line], 2);
}

static bool drained(const void *arg)
{
	(void)arg;
	return !worker_turn(&t.w, 1);
}

/* E83: the transaction in progress ends first. */
Test(session_limits, drain_lets_a_message_end)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhel");
	expect("mx", "Subject: hi");
	atomic_store(&t.all.drain, true);
	worker_wake(&t.w);
	put(&t.client, "lo\r\n.\r\n");
	expect("mx", "hello\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
	expect("client", "421 4.3.2");
	close(t.client.fd);
	t.client.fd = -1;
	turn_until(drained, NULL, "the worker to be drained");
	cr_assert_eq(t.tallies[POSTERN_R_end_shutdown], 1);
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
}

Test(session_limits, drain_has_an_end)
{
	t.conf->drain_timeout = 50 * NS_PER_MS;
	up_to_data();
	atomic_store(&t.all.drain, true);
	worker_wake(&t.w);
	turn_until(drained, NULL, "the worker to be drained");
	end_read(&t.mx);
	cr_assert_null(strstr(t.mx.seen, "\r\n.\r\n"));
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 1);
}

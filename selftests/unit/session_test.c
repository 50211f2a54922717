// SPDX-License-Identifier: GPL-2.0
/* session/: whole sessions on one worker, from birth to end. */
#include "session/dial.h"
#include "session_lab.h"

TestSuite(session, .init = lab_setup, .fini = lab_teardown, .timeout = 60);

Test(session, relays_a_message)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("mx", "hello\r\n.\r\n");
	cr_assert(strstr(t.mx.seen, "Received: "));
	put(&t.mx, "250 queued as 1\r\n");
	expect("client", "250 queued as 1");
	quit();
	cr_assert_eq(t.tallies[POSTERN_R_session_started], 1);
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
	cr_assert_eq(t.tallies[POSTERN_R_verdict_accept], 1);
	cr_assert_eq(t.tallies[POSTERN_R_end_quit], 1);
	cr_assert_eq(t.heartbeat, t.w.now > t.heartbeat ? t.heartbeat : t.w.now);
	cr_assert_gt(t.heartbeat, 0);
}

Test(session, bad_mail_is_refused_and_never_ends_upstream)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\n" GTUBE "\r\n.\r\n");
	turn_until(end_over, &t.mx, "the upstream leg's end");
	cr_assert_eq(t.mx.err, ECONNRESET, "the upstream leg was not reset");
	cr_assert_null(strstr(t.mx.seen, "\r\n.\r\n"));
	expect("client", "550 5.7.1");
	put(&t.client, "QUIT\r\n");
	expect("client", "221 ");
	close(t.client.fd);
	turn_until(all_gone, NULL, "the session's end");
	cr_assert_eq(t.tallies[POSTERN_R_verdict_reject], 1);
	cr_assert_eq(t.tallies[POSTERN_R_verdict_tempfail], 0);
	cr_assert_eq(t.tallies[POSTERN_R_message_rejected], 1);
}

Test(session, certain_rejection_does_not_wait_for_the_end)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\n" GTUBE "\r\nmore to come");
	turn_until(end_over, &t.mx, "the upstream leg's end");
	cr_assert_eq(t.mx.err, ECONNRESET);
	put(&t.client, "\r\n.\r\n");
	expect("client", "550 5.7.1");
	cr_assert_eq(t.tallies[POSTERN_R_verdict_reject], 1);
}

Test(session, shadow_judges_and_lets_through)
{
	t.line.shadow = true;
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\n" GTUBE "\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
	quit();
	cr_assert_eq(t.tallies[POSTERN_R_verdict_shadow], 1);
	cr_assert_eq(t.tallies[POSTERN_R_verdict_reject], 0);
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
}

/* DATA went up with the envelope: too late to refuse it, so the message is, at its end. */
Test(session, no_memory_for_a_scan_is_a_452)
{
	t.w.bench = NULL;
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("client", "452 4.3.1");
	cr_assert_null(strstr(t.mx.seen, "\r\n.\r\n"));
	cr_assert_null(strstr(t.mx.seen, "hello"));
	cr_assert_eq(t.tallies[POSTERN_R_message_tempfailed], 1);
}

/* One command, and the exchanger's answer; both unlike all earlier ones. */
static void ask(const char *command, const char *answer)
{
	put(&t.client, command);
	expect("mx", command);
	put(&t.mx, answer);
	expect("client", answer);
}

/* E16: DATA is refused and not forwarded; with memory the next message is taken. */
Test(session, no_memory_for_a_scan_refuses_data)
{
	t.w.bench = NULL;
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	expect("client", "220 mx");
	ask("MAIL FROM:<1@x.example>\r\n", "250 one\r\n");
	ask("RCPT TO:<2@y.example>\r\n", "250 two\r\n");
	put(&t.client, "DATA\r\n");
	expect("mx", "RSET\r\n");
	put(&t.mx, "250 flushed\r\n");
	expect("client", "452 4.3.1");
	cr_assert_null(strstr(t.mx.seen, "DATA"));
	t.w.bench = t.bench;
	ask("MAIL FROM:<3@x.example>\r\n", "250 three\r\n");
	ask("RCPT TO:<4@y.example>\r\n", "250 four\r\n");
	ask("DATA\r\n", "354 go\r\n");
	ask("\r\nhello\r\n.\r\n", "250 queued\r\n");
	cr_assert_null(strstr(t.client.seen, "flushed"));
	quit();
	cr_assert_eq(t.tallies[POSTERN_R_message_started], 1);
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
}

/* In shadow want of memory refuses nothing. */
Test(session, no_memory_for_a_scan_in_shadow)
{
	t.w.bench = NULL;
	t.line.shadow = true;
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
	quit();
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
}

static void expect_refused_at_birth(const char *dst, unsigned int port, enum postern_reason why)
{
	arrive(dst, port);
	turn_until(end_over, &t.client, "the client's reset");
	cr_assert_eq(t.client.err, ECONNRESET);
	cr_assert_eq(t.client.len, 0, "octets before the reset");
	cr_assert_eq(t.tallies[why], 1);
	cr_assert_eq(t.tallies[POSTERN_R_session_started], 0);
	close(t.client.fd);
}

Test(session, nobody_is_dialled_who_must_not_be)
{
	t.dial_err = -ENOSYS;	/* would show as end_dial_local */
	expect_refused_at_birth("198.51.100.25", 25025, POSTERN_R_end_not_subscriber);
	expect_refused_at_birth("127.0.0.1", 25, POSTERN_R_end_own_address);
	t.resolve_err = -EIO;
	expect_refused_at_birth("198.51.100.25", 25, POSTERN_R_end_internal);
	t.resolve_err = 0;
	t.line.treatment = POSTERN_REFUSE;
	expect_refused_at_birth("198.51.100.25", 25, POSTERN_R_end_refused_line);
	t.tallies[POSTERN_R_end_not_subscriber] = 0;
	t.line.treatment = POSTERN_EXEMPT;
	expect_refused_at_birth("198.51.100.25", 25, POSTERN_R_end_not_subscriber);
	t.tallies[POSTERN_R_end_not_subscriber] = 0;
	t.resolve_err = -ENOENT;
	expect_refused_at_birth("198.51.100.25", 25, POSTERN_R_end_not_subscriber);
	cr_assert_eq(t.tallies[POSTERN_R_end_dial_local], 0);
	cr_assert_eq(t.dead, 0);
}

/* E87: the wish for the subscriber's own port, and that it was not granted. */
Test(session, upstream_port)
{
	arrive("198.51.100.25", 25);
	mx_accept();
	cr_assert_eq(t.port_wished, 0);
	close(t.client.fd);
	close(t.mx.fd);
	t.conf->classes[0].upstream_port = CONF_UPSTREAM_PORT_SAME;
	arrive("198.51.100.25", 25);
	mx_accept();
	cr_assert_eq(t.port_wished, 40000);
	cr_assert_eq(t.tallies[POSTERN_R_upstream_port_taken], 0);
	close(t.client.fd);
	close(t.mx.fd);
	t.port_taken = true;
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	expect("client", "220 mx");
	cr_assert_eq(t.tallies[POSTERN_R_upstream_port_taken], 1);
	t.dial_err = -ECONNREFUSED;
	arrive("198.51.100.25", 25);
	turn_until(end_over, &t.client, "the reset");
	cr_assert_eq(t.tallies[POSTERN_R_upstream_port_taken], 1, "of a dial that failed");
}

Test(session, dial_failures_have_their_reasons)
{
	static const struct {
		int err;
		enum postern_reason why;
		int dead;
	} rows[] = {
		{ -ECONNREFUSED, POSTERN_R_end_dial_refused, 1 },
		{ -EHOSTUNREACH, POSTERN_R_end_dial_unreachable, 1 },
		{ -ENETUNREACH, POSTERN_R_end_dial_unreachable, 1 },
		{ -ETIMEDOUT, POSTERN_R_end_dial_timeout, 1 },
		{ -EADDRNOTAVAIL, POSTERN_R_end_dial_local, 0 },
		{ -EMFILE, POSTERN_R_end_dial_local, 0 },
		{ -EPERM, POSTERN_R_end_dial_local, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(t.tallies, 0, sizeof(t.tallies));
		t.dead = 0;
		t.dial_err = rows[i].err;
		arrive("198.51.100.25", 25);
		turn_until(end_over, &t.client, "the client's reset");
		cr_assert_eq(t.client.err, ECONNRESET);
		cr_assert_eq(t.tallies[rows[i].why], 1, "%s", strerror(-rows[i].err));
		cr_assert_eq(t.dead, rows[i].dead, "%s", strerror(-rows[i].err));
		close(t.client.fd);
	}
}

Test(session, dead_exchanger_resets_the_client)
{
	struct sockaddr_in name;

	close(t.mx_listener);
	t.mx_listener = socket(AF_INET, SOCK_STREAM, 0);
	memset(&name, 0, sizeof(name));
	name.sin_family = AF_INET;
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(t.mx_listener, (struct sockaddr *)&name, sizeof(name)), 0);
	arrive("198.51.100.25", 25);
	turn_until(end_over, &t.client, "the client's reset");
	cr_assert_eq(t.client.err, ECONNRESET);
	cr_assert_eq(t.tallies[POSTERN_R_end_dial_refused], 1);
	cr_assert_eq(t.dead, 1);
}

/* Refused by an exchanger that takes others: it is not dead for them. */
Test(session, an_exchanger_that_takes_others_is_not_dead)
{
	t.conf->dial_timeout = NS_PER_MS;
	t.never_answer = true;
	arrive("198.51.100.25", 25);
	for (int i = 0; i < WORKERS_ANSWERED; i++)
		t.all.answered[i] = t.w.now + 1;
	turn_until(end_over, &t.client, "the client's reset");
	cr_assert_eq(t.tallies[POSTERN_R_end_dial_timeout], 1);
	cr_assert_eq(t.dead, 0);
	close(t.client.fd);
	memset(t.all.answered, 0, sizeof(t.all.answered));
	t.client.fd = -1;
	t.client.err = 0;
	arrive("198.51.100.25", 25);
	turn_until(end_over, &t.client, "the client's reset");
	cr_assert_eq(t.dead, 1);
}

/* B10: whatever the moment, the exchanger never sees the end. */
Test(session, client_gone_within_a_message)
{
	for (int reset = 0; reset < 2; reset++) {
		t.mx.eof = false;
		t.mx.err = 0;
		up_to_data();
		put(&t.client, "Subject: hi\r\n\r\nhel");
		expect("mx", "Subject: hi");
		if (reset)
			leg_set_abortive(t.client.fd);
		close(t.client.fd);
		t.client.fd = -1;
		turn_until(end_over, &t.mx, "the upstream leg's end");
		cr_assert_null(strstr(t.mx.seen, "\r\n.\r\n"));
		turn_until(all_gone, NULL, "the session's end");
		close(t.mx.fd);
	}
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 2);
}

/* E71: replies that were there come first. */
Test(session, exchanger_resets)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	leg_set_abortive(t.mx.fd);
	close(t.mx.fd);
	t.mx.fd = -1;
	turn_until(end_over, &t.client, "the client's end");
	cr_assert_null(strstr(t.client.seen, "\r\n250 queued"));
	turn_until(all_gone, NULL, "the session's end");
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 1);
}

/* After QUIT the client closes first, if it does so soon. */
Test(session, quit_leaves_the_close_to_the_client)
{
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	expect("client", "220 mx");
	put(&t.client, "QUIT\r\n");
	expect("mx", "QUIT\r\n");
	put(&t.mx, "221 bye\r\n");
	close(t.mx.fd);
	t.mx.fd = -1;
	expect("client", "221 bye");
	cr_assert(t.w.sessions && t.w.sessions->client.closing);
	cr_assert_not(t.w.sessions->client.shut, "we closed first");
	turn_until(end_over, &t.client, "our close, in the end");
	cr_assert(t.client.eof);
	turn_until(all_gone, NULL, "the session's end");
}

/* One line's refusal by a living exchanger must not be everybody's. */
Test(session, exchanger_that_took_the_connection_is_not_dead)
{
	cr_assert(dial_exchanger_dead(dial_reason(-ECONNREFUSED)));
	cr_assert_not(dial_exchanger_dead(dial_reason(-ECONNRESET)));
}

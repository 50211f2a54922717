// SPDX-License-Identifier: GPL-2.0
/* Whole sessions through the engine, by case number. */
#include <criterion/criterion.h>

#include "smtp_play.h"

static const struct play sessions[] = {
	PLAY("E63 greeting, EHLO, one message, QUIT",
	     PLAY_BODY
	     "> Subject: x\n> \n> hello\n> ..dot\n> .\n"
	     "S Subject: x\nS \nS hello\nS ..dot\n"
	     "B Subject: x\nB \nB hello\nB .dot\nA VERDICT\nW verdict\n"
	     "! accept\nS .\nW dot\n< 250 taken\nC 250 taken\nE message_accepted 250\nW idle\n"
	     PLAY_QUIT),
	PLAY("E17 bad verdict",
	     PLAY_BODY
	     "> x\n> .\nS x\nB x\nA VERDICT\n"
	     "! reject\n"
	     "C 550 5.7.1 message refused because of its content [T1] http://help.example/\n"
	     "A RESET_SERVER\nE message_rejected 550\n"
	     "> RSET\nC 250 2.0.0 ok [T1]\n> NOOP\nC 250 2.0.0 ok [T1]\n"
	     "> QUIT\nC 221 2.0.0 closing [T1]\nA CLOSE_CLIENT DISCARD_CLIENT\n= end_quit\n"),
};

Test(smtp_session, plays)
{
	play_all(sessions, sizeof(sessions) / sizeof(sessions[0]));
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a session can wait for.
 *
 * WAIT(name, parameter of postern.conf, reason when it strikes, text)
 * The engine says which row is in force; the session keeps the timer.
 */
WAIT(dial,	dial_timeout,	  end_dial_timeout,	"exchanger to take the connection")
WAIT(greeting,	greeting_timeout, end_timeout_greeting,	"exchanger's greeting")
WAIT(reply,	reply_timeout,	  end_timeout_reply,	"exchanger's reply to a command")
WAIT(data,	data_timeout,	  end_timeout_data,	"exchanger's reply to DATA")
WAIT(verdict,	verdict_timeout,  end_verdict_failed,	"verdict on the content")
WAIT(dot,	dot_timeout,	  end_timeout_dot,	"exchanger's reply to the end of the message")
WAIT(idle,	idle_timeout,	  end_timeout_idle,	"client's next command")
WAIT(line,	line_timeout,	  end_timeout_line,	"rest of the client's command line")
WAIT(body,	body_timeout,	  end_timeout_body,	"more of the message from the client")
WAIT(write,	write_timeout,	  end_timeout_write,	"a side to read what was sent")
WAIT(closing,	write_timeout,	  end_timeout_write,	"the other end to close")
WAIT(tunnel,	idle_timeout,	  end_timeout_idle,	"octets of either side within TLS")

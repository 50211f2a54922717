/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the links engine finds in the URLs of a message: the host as software
 * reads it, against the host as a person or a filter would.
 *
 * LINK(name, rule, score, text)
 * The finding is called "links:RULE" and counts once in a message.
 */
LINK(hex_host,		"hex-host",	100, "letters, digits or dots of the host are percent-encoded")
LINK(reference_host,	"reference-host", 100, "letters or digits of the host are HTML character references")
LINK(number_host,	"number-host",	100, "host is one number, or has hexadecimal or octal parts")
LINK(mapped_host,	"mapped-host",	100, "host has letters or digits of another alphabet that are mapped to plain ones")
LINK(user_host,		"user-host",	100, "a host name stands in front of an @, the real host behind it")
LINK(user_hex,		"user-hex",	100, "letters or digits in front of an @ are percent-encoded")
LINK(backslash_user,	"backslash-user", 100, "a backslash before the @: programs disagree about the host")
LINK(control_host,	"control-host",	60, "host holds control octets")
LINK(address_name,	"address-name",	40, "host name begins with an IPv4 address")
LINK(address_host,	"address-host",	25, "host is a plain public IPv4 address")
LINK(user_part,		"user-part",	20, "something stands in front of an @ before the host")

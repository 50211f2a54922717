/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rules that every installation has. None may match mail that anybody wants:
 * a row comes in only with no match in any ham of the corpus.
 *
 * RULE(title, where, caseless, score, reject, pattern, text)
 * The columns are the parameters of a rule in postern.conf.
 */
RULE("GTUBE", BODY, false, 1000, true,
	"XJS\\*C4JDBQADN1\\.NSBN3\\*2IDNEN\\*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL\\*C\\.34X",
	"the well-known test line for spam filters")

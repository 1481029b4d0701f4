/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

/*
 * "Did you mean ...?": keeps the candidate that is nearest to a mistyped
 * word (Damerau-Levenshtein distance, case apart), if one is near enough: a
 * third of the word at most.
 */
struct suggest {
	const char *word;	/* both borrowed */
	const char *best;
	unsigned distance;
};
#define SUGGEST_INIT(w) { (w), (void *)0, ~0u }

void suggest_add(struct suggest *s, const char *candidate);
const char *suggest_best(const struct suggest *s);	/* NULL: none near */

#endif

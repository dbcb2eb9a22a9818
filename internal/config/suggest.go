package config

import "strings"

// nearest returns the candidate that is most similar to the written word, or "" if
// none is similar enough.
func nearest(written string, candidates []string) string {
	word := plain(written)
	best, least := "", 1+len(word)/3
	for _, candidate := range candidates {
		if distance := distance(word, plain(candidate), least); distance < least {
			best, least = candidate, distance
		}
	}
	return best
}

var separators = strings.NewReplacer("-", "", "_", "", " ", "")

// plain normalizes github_owner, GitHub-Owner and githubOwner to the same word.
func plain(word string) string {
	return strings.ToLower(separators.Replace(word))
}

// longestWord is the longest word to compare.
const longestWord = 64

// distance counts the characters to insert, drop, replace or swap with their
// neighbour (optimal string alignment), up to the limit.
func distance(a, b string, limit int) int {
	if len(a) > longestWord || len(b) > longestWord || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var rows [3][longestWord + 1]int // of this character of a, and of the two before it
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j-1]+differ(a[i-1], b[j-1]), last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

package config

import "strings"

// nearest gives the candidate that is written most like the given word, or ""
// when none is near enough to be meant.
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

// plain makes github_owner, GitHub-Owner and githubOwner the same word.
func plain(word string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(word))
}

// distance counts the characters to insert, drop, replace or swap with their
// neighbour (optimal string alignment). It stops counting at the limit.
func distance(a, b string, limit int) int {
	if len(a) > 100 || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return min(last[len(b)], limit)
}

package config

import (
	"fmt"
	"strconv"
	"strings"
)

// cronField is one of the five fields of a cron schedule.
type cronField struct {
	name        string
	least, most int
	words       []string // names of its values, starting at least
}

// cronFields follow crontab(5) as implemented by Argo's CronWorkflow.
var cronFields = []cronField{
	{name: "minute", least: 0, most: 59},
	{name: "hour", least: 0, most: 23},
	{name: "day of month", least: 1, most: 31},
	{name: "month", least: 1, most: 12, words: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
	{name: "day of week", least: 0, most: 6, words: strings.Fields("sun mon tue wed thu fri sat")},
}

// cronProblem returns why a text is not a schedule, or "".
func cronProblem(schedule string) string {
	parts := strings.Fields(schedule)
	if len(parts) != len(cronFields) {
		return fmt.Sprintf("has %d fields", len(parts))
	}
	for i, part := range parts {
		for _, item := range strings.Split(part, ",") {
			if !cronFields[i].allows(item) {
				return fmt.Sprintf("has %q as %s", shorten(part), cronFields[i].name)
			}
		}
	}
	return ""
}

// allows accepts `*`, `n` and `a-b`, each also with a step: `*/n`, `a-b/n`.
func (f cronField) allows(item string) bool {
	span, step, stepped := strings.Cut(item, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1 || n > f.most) {
		return false
	}
	if span == "*" {
		return true
	}
	from, to, ranged := strings.Cut(span, "-")
	first, ok := f.number(from)
	if !ranged || !ok {
		return ok
	}
	last, ok := f.number(to)
	return ok && first <= last
}

func (f cronField) number(text string) (int, bool) {
	for i, word := range f.words {
		if strings.EqualFold(word, text) {
			return f.least + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && wholeNumber.MatchString(text) && n >= f.least && n <= f.most
}

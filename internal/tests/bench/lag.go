package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// lag is how long after their ends in the cloud a program reported that its stacks
// were done, in seconds, on average. ended returns the stack that a line reports as done.
func lag(t trial, ended func(line string) (stack string)) (float64, error) {
	reported := map[string]float64{}
	for _, span := range t.spans {
		for _, line := range t.lines {
			if _, known := reported[span.Stack]; !known && ended(line.text) == span.Stack {
				reported[span.Stack] = line.at.Sub(span.End).Seconds()
			}
		}
	}
	if len(reported) == 0 || len(reported) != len(t.spans) {
		return 0, fmt.Errorf("the program reported the end of %d of %d stacks", len(reported), len(t.spans))
	}
	sum := 0.0
	for _, seconds := range reported {
		sum += seconds
	}
	return sum / float64(len(reported)), nil
}

// callRate is how many calls a program made in a minute of a stack's work.
func callRate(t trial) float64 { return float64(t.calls) / stackMinutes(t.spans) }

func stackMinutes(spans []cloudformation.Span) (minutes float64) {
	for _, span := range spans {
		minutes += span.End.Sub(span.Begin).Minutes()
	}
	return minutes
}

// ourEnd reads the log of our deployer.
func ourEnd(line string) string {
	var record struct {
		Message string `json:"msg"`
		Subject string `json:"subject"`
		Step    string `json:"step"`
	}
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &record) != nil || record.Message != "progress" || record.Step != "finished" {
		return ""
	}
	return record.Subject
}

var checked = regexp.MustCompile(`^\s*✅\s+(\S+)`)

// theirEnd reads what the CDK CLI prints.
func theirEnd(line string) string {
	if found := checked.FindStringSubmatch(line); found != nil {
		return found[1]
	}
	return ""
}

package redact

import (
	"regexp"
	"strings"
	"sync"
)

// pattern is a well-known pattern of a secret. One of the anchors must occur for the
// expression to match at all: searching for them first keeps a gigabyte of harmless
// output cheap.
type pattern struct {
	anchors []string
	expr    func() *regexp.Regexp // the last group is the secret
}

// compiled compiles an expression on first use: most processes never need most patterns,
// and must not wait for them at their start.
func compiled(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

var patterns = []pattern{
	{ // access key ids: long-term and temporary
		[]string{"AKIA", "ASIA"},
		compiled(`\b((?:AKIA|ASIA)[A-Z0-9]{16})\b`),
	},
	{ // the secret half of an AWS key, recognizable by the word next to it
		[]string{"ecret", "ECRET"},
		compiled(`(?i)secret[_-]?(?:access[_-]?)?key["'\s:=>]{1,8}([a-z0-9/+=]{40})`),
	},
	{ // the third part of temporary AWS credentials
		[]string{"oken", "OKEN"},
		compiled(`(?i)(?:session|security)[_-]?token["'\s:=>]{1,8}([a-z0-9/+=]{16,})`),
	},
	{
		[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"},
		compiled(`(gh[pousr]_[A-Za-z0-9]{16,255})`),
	},
	{
		[]string{"github_pat_"},
		compiled(`(github_pat_[A-Za-z0-9_]{16,255})`),
	},
	{ // GitLab: personal, deploy, runner, trigger and job tokens
		[]string{"glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"},
		compiled(`\b(gl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_.-]{16,255})`),
	},
	{ // Slack: tokens of bots, users, apps and refreshes
		[]string{"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe.", "xapp-"},
		compiled(`\b((?:xox[abprse]|xoxe\.xox[bp]|xapp)-[A-Za-z0-9-]{10,255})`),
	},
	{
		[]string{"npm_"},
		compiled(`\b(npm_[A-Za-z0-9]{36})\b`),
	},
	{ // a signed JSON web token, such as the pod's web identity
		[]string{"eyJ"},
		compiled(`(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})`),
	},
	{ // name and password inside a URL
		[]string{"://"},
		compiled(`://([^/\s:@"']{0,256}:[^/\s@"']{1,1000})@`),
	},
	{
		[]string{"asic ", "earer "},
		compiled(`(?i)authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:basic|bearer) ([a-z0-9._~+/=-]{6,})`),
	},
}

func (p pattern) appendTo(found []span, s string) []span {
	if !p.mayMatch(s) {
		return found
	}
	for _, match := range p.expr().FindAllStringSubmatchIndex(s, -1) {
		found = append(found, span{start: match[len(match)-2], end: match[len(match)-1], from: match[0]})
	}
	return found
}

func (p pattern) mayMatch(s string) bool {
	for _, anchor := range p.anchors {
		if strings.Contains(s, anchor) {
			return true
		}
	}
	return false
}

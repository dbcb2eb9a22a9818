package redact

import (
	"regexp"
	"strings"
)

// pattern is a well-known shape of a secret. The anchors are texts of which
// one must occur for the expression to match at all: looking for them first
// keeps a gigabyte of harmless output cheap.
type pattern struct {
	anchors []string
	expr    *regexp.Regexp // the last group is the secret
}

var patterns = []pattern{
	{ // access key ids: long-term and temporary
		[]string{"AKIA", "ASIA"},
		regexp.MustCompile(`\b((?:AKIA|ASIA)[A-Z0-9]{16})\b`),
	},
	{ // the secret half of an AWS key, recognizable by the word next to it
		[]string{"ecret", "ECRET"},
		regexp.MustCompile(`(?i)secret[_-]?(?:access[_-]?)?key["'\s:=>]{1,8}([a-z0-9/+=]{40})`),
	},
	{ // the third part of temporary AWS credentials
		[]string{"oken", "OKEN"},
		regexp.MustCompile(`(?i)(?:session|security)[_-]?token["'\s:=>]{1,8}([a-z0-9/+=]{16,})`),
	},
	{
		[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"},
		regexp.MustCompile(`(gh[pousr]_[A-Za-z0-9]{16,255})`),
	},
	{
		[]string{"github_pat_"},
		regexp.MustCompile(`(github_pat_[A-Za-z0-9_]{16,255})`),
	},
	{
		[]string{"npm_"},
		regexp.MustCompile(`\b(npm_[A-Za-z0-9]{36})\b`),
	},
	{ // a signed JSON web token, such as the pod's web identity
		[]string{"eyJ"},
		regexp.MustCompile(`(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})`),
	},
	{ // name and password inside a URL
		[]string{"://"},
		regexp.MustCompile(`://([^/\s:@"']{0,256}:[^/\s@"']{1,1000})@`),
	},
	{
		[]string{"asic ", "earer "},
		regexp.MustCompile(`(?i)authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:basic|bearer) ([a-z0-9._~+/=-]{6,})`),
	},
	{ // a private key up to its end, or to the end of what is known
		[]string{pemBegin},
		regexp.MustCompile(`(?s)(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z))`),
	},
}

const pemBegin = "-----BEGIN "

var pemEnd = regexp.MustCompile(`-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----`)

func (p pattern) appendTo(found []span, s string) []span {
	if !p.mayMatch(s) {
		return found
	}
	for _, match := range p.expr.FindAllStringSubmatchIndex(s, -1) {
		found = append(found, span{match[len(match)-2], match[len(match)-1]})
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

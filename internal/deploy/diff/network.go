package diff

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// rule is a rule of a security group.
type rule struct {
	group    string // as a reference, such as "${Group}"
	inward   bool
	protocol string // "-1" is all
	from, to int    // ports; 0 to 65535 is all
	peer     string // network, prefix list or group
	odd      string // ports that are no numbers, as text
}

// broaderRules gives the rules that let more through than before.
func broaderRules(before, after Template) (found []Broadening) {
	old := slices.Concat(slices.Collect(maps.Values(rulesOf(before)))...)
	now := rulesOf(after)
	for _, id := range slices.Sorted(maps.Keys(now)) {
		for _, r := range now[id] {
			if !slices.ContainsFunc(old, func(was rule) bool { return was.covers(r) }) {
				found = append(found, Broadening{LogicalID: id, Kind: Network, Text: r.String()})
			}
		}
	}
	return found
}

func rulesOf(t Template) map[string][]rule {
	all := map[string][]rule{}
	for id, r := range t.Resources {
		p := r.Properties
		switch r.Type {
		case "AWS::EC2::SecurityGroup":
			for _, one := range many(p["SecurityGroupIngress"]) {
				all[id] = append(all[id], ruleOf("${"+id+"}", true, one))
			}
			for _, one := range orAll(p["SecurityGroupEgress"]) {
				all[id] = append(all[id], ruleOf("${"+id+"}", false, one))
			}
		case "AWS::EC2::SecurityGroupIngress":
			all[id] = append(all[id], ruleOf(groupOf(p), true, p))
		case "AWS::EC2::SecurityGroupEgress":
			all[id] = append(all[id], ruleOf(groupOf(p), false, p))
		}
	}
	return all
}

// orAll is AWS's own rule for a group that says nothing of what may go out.
func orAll(egress any) []any {
	if egress == nil {
		return []any{map[string]any{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}}
	}
	return many(egress)
}

// groupOf is the group that a rule of its own belongs to.
func groupOf(p map[string]any) string {
	text := words(p["GroupId"])
	if text == "" {
		text = words(p["GroupName"])
	}
	return strings.Replace(text, ".GroupId}", "}", 1)
}

func ruleOf(group string, inward bool, value any) rule {
	p, isMap := value.(map[string]any)
	r := rule{group: group, inward: inward, to: 65535}
	if !isMap || isFunction(p) {
		r.odd = words(value)
		return r
	}
	r.protocol = strings.ToLower(words(p["IpProtocol"]))
	r.peer = firstOf(p, "CidrIp", "CidrIpv6", "SourcePrefixListId", "DestinationPrefixListId", "SourceSecurityGroupId", "DestinationSecurityGroupId", "SourceSecurityGroupName")
	from, to := words(p["FromPort"]), words(p["ToPort"])
	if from == "" && to == "" || from == "-1" || r.protocol == "-1" {
		return r
	}
	var fromErr, toErr error
	r.from, fromErr = strconv.Atoi(from)
	r.to, toErr = strconv.Atoi(to)
	if fromErr != nil || toErr != nil {
		r.odd = from + "-" + to
	}
	return r
}

func firstOf(p map[string]any, keys ...string) string {
	for _, key := range keys {
		if text := words(p[key]); text != "" {
			return text
		}
	}
	return ""
}

// covers says whether r lets through all that other does.
func (r rule) covers(other rule) bool {
	if r == other {
		return true
	}
	return r.odd == "" && other.odd == "" && r.group == other.group && r.inward == other.inward &&
		(r.protocol == "-1" || r.protocol == other.protocol) && r.from <= other.from && r.to >= other.to && contains(r.peer, other.peer)
}

// contains says whether one network is part of another.
func contains(outer, inner string) bool {
	if outer == inner {
		return true
	}
	o, err := netip.ParsePrefix(outer)
	i, alsoErr := netip.ParsePrefix(inner)
	return err == nil && alsoErr == nil && o.Bits() <= i.Bits() && o.Contains(i.Addr())
}

// String says in words what the rule lets through.
func (r rule) String() string {
	what := r.protocol
	switch {
	case r.odd != "" && r.protocol == "":
		return r.group + " gets a rule that only CloudFormation can work out: " + r.odd
	case r.odd != "":
		what += " " + r.odd
	case r.protocol == "-1":
		what = "everything"
	case r.from == r.to:
		what += fmt.Sprintf(" %d", r.from)
	case r.from > 0 || r.to < 65535:
		what += fmt.Sprintf(" %d to %d", r.from, r.to)
	}
	if r.inward {
		return fmt.Sprintf("%s lets in %s from %s", r.group, what, r.peer)
	}
	return fmt.Sprintf("%s lets out %s to %s", r.group, what, r.peer)
}

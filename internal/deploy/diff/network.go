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
	odd      string // unresolved ports or rule, as text
}

// broaderRules returns the rules that allow more traffic than before.
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
			for _, one := range egressOf(p["SecurityGroupEgress"]) {
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

// egressOf returns the egress rules of a group, by default AWS's rule that allows all.
func egressOf(egress any) []any {
	if egress == nil {
		return []any{map[string]any{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}}
	}
	return many(egress)
}

// groupOf returns the group of a standalone rule.
func groupOf(p map[string]any) string {
	text := format(p["GroupId"])
	if text == "" {
		text = format(p["GroupName"])
	}
	return strings.Replace(text, ".GroupId}", "}", 1)
}

func ruleOf(group string, inward bool, value any) rule {
	p, isMap := value.(map[string]any)
	r := rule{group: group, inward: inward, to: 65535}
	if !isMap || isFunction(p) {
		r.odd = format(value)
		return r
	}
	r.protocol = strings.ToLower(format(p["IpProtocol"]))
	r.peer = firstOf(p, "CidrIp", "CidrIpv6", "SourcePrefixListId", "DestinationPrefixListId", "SourceSecurityGroupId", "DestinationSecurityGroupId", "SourceSecurityGroupName")
	from, to := format(p["FromPort"]), format(p["ToPort"])
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
		if text := format(p[key]); text != "" {
			return text
		}
	}
	return ""
}

// covers reports whether r allows all traffic that other does.
func (r rule) covers(other rule) bool {
	if r == other {
		return true
	}
	return r.odd == "" && other.odd == "" && r.group == other.group && r.inward == other.inward &&
		(r.protocol == "-1" || r.protocol == other.protocol) && r.from <= other.from && r.to >= other.to && contains(r.peer, other.peer)
}

// contains reports whether one network is part of another.
func contains(outer, inner string) bool {
	if outer == inner {
		return true
	}
	o, err := netip.ParsePrefix(outer)
	i, alsoErr := netip.ParsePrefix(inner)
	return err == nil && alsoErr == nil && o.Bits() <= i.Bits() && o.Contains(i.Addr())
}

// String describes the traffic that the rule allows.
func (r rule) String() string {
	what := r.protocol
	switch {
	case r.odd != "" && r.protocol == "":
		return r.group + " gets a rule that only CloudFormation can resolve: " + r.odd
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
		return fmt.Sprintf("%s allows ingress of %s from %s", r.group, what, r.peer)
	}
	return fmt.Sprintf("%s allows egress of %s to %s", r.group, what, r.peer)
}

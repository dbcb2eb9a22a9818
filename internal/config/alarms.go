package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Limits of CloudFormation (API reference, RollbackConfiguration).
const (
	mostAlarms     = 5
	mostMonitoring = 180 // minutes
)

// checkAlarms refuses alarms that no stack of the environment can have, and a time in which
// nothing is watched.
func checkAlarms(r *report, env Environment, path string) {
	at := path + ".rollbackAlarms"
	checkTwice(r, "alarm", at+"[%d]", env.RollbackAlarms)
	regions := ReachedRegions(env.Region, env.Regions)
	for i, text := range env.RollbackAlarms {
		alarm, err := arn.Parse(text)
		switch one := fmt.Sprintf("%s[%d]", at, i); {
		case err != nil || !holds("alarmArn", text) || !holds("account", env.Account):
		case alarm.AccountID != env.Account:
			r.atPath(one, "the alarm is of account %s: expected one of account %s, in which the stacks are", alarm.AccountID, env.Account)
		case holds("region", env.Region) && !slices.Contains(regions, alarm.Region):
			r.atPath(one, "the alarm is in %s: expected one in the region of a stack: %s", alarm.Region, strings.Join(regions, ", "))
		}
	}
	switch {
	case len(env.RollbackAlarms) > mostAlarms:
		r.atPath(at, "%d alarms are listed: expected at most %d, as CloudFormation watches no more", len(env.RollbackAlarms), mostAlarms).
			Hint = "combine several into one alarm with metric math"
	case len(env.RollbackAlarms) > 0 && env.OnFailure == StopStack:
		r.atPath(at, "alarms roll a deployment back, but onFailure is stop: expected only one of them")
	}
	switch {
	case env.MonitoringMinutes > mostMonitoring:
		r.atPath(path+".monitoringMinutes", "monitoringMinutes is %d: expected at most %d", env.MonitoringMinutes, mostMonitoring)
	case env.MonitoringMinutes > 0 && len(env.RollbackAlarms) == 0:
		r.atPath(path+".monitoringMinutes", "monitoringMinutes is for rollbackAlarms, but there are none").Hint = "list the alarms, or remove it"
	}
}

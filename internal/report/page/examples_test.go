package page

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var pages = flag.String("pages", "", "folder to write example pages to, for make check-pages")

// shop is a run of the shop that failed.
func shop() Run {
	at := func(s float64) time.Time { return noon.Add(seconds(s)) }
	role := Span{Name: "Handler/ServiceRole/Resource", Kind: "AWS::IAM::Role", Note: "update", Status: Good, Started: at(31), Seconds: 9}
	return Run{
		Pipeline: "shop", Name: "shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d", Word: "Failed", Status: Bad, Commit: strings.Repeat("3f2a9c1d", 5), Repository: "https://github.com/acme/shop.git", Created: noon, Ended: at(300_090),
		Facts: []Fact{{"Branch", "main"}, {"By", "octocat"}, {"Created", "2026-11-27T12:00:00Z"}},
		Cause: &Cause{
			"deploy-prod", "stack ApiStack failed (UPDATE_ROLLBACK_COMPLETE): ApiStack/Handler/Resource (AWS::Lambda::Function): The runtime parameter of nodejs16.x is no longer supported\n  lib/api-stack.ts:42\n  not deployed because of this: EdgeStack",
			"set a runtime that Lambda supports, commit the change, and push",
		},
		Timeline: []Span{
			{Name: "validate", Status: Good, Started: at(0), Seconds: 0.4},
			{Name: "build", Status: Good, Started: at(1), Seconds: 21},
			{Name: "pipeline", Status: Good, Started: at(22), Seconds: 3},
			{Name: "deploy-dev", Status: Good, Started: at(26), Seconds: 30, Spans: []Span{
				{Name: "DatabaseStack", Status: Idle, Note: "unchanged", Seconds: 0.3},
				{Name: "ApiStack (shop-dev-ApiStack)", Status: Good, Note: "updated, 2 to modify", Started: at(29), Seconds: 24, Spans: []Span{
					role, {Name: "Handler/Resource", Kind: "AWS::Lambda::Function", Note: "update", Status: Good, Started: at(40), Seconds: 12},
				}},
				{Name: "EdgeStack (shop-dev-EdgeStack)", Status: Good, Note: "updated, 1 to modify", Started: at(53), Seconds: 3},
			}},
			{Name: "test-dev", Status: Good, Started: at(56), Seconds: 6},
			{Name: "deploy-prod", Status: Bad, Error: "stack ApiStack failed", Started: at(300_000), Seconds: 80, Spans: []Span{
				{Name: "DatabaseStack", Status: Idle, Note: "unchanged", Seconds: 0.3},
				{Name: "ApiStack (shop-prod-ApiStack)", Status: Bad, Note: "failed, 2 to modify", Error: "UPDATE_ROLLBACK_COMPLETE", Started: at(300_004), Seconds: 70, Spans: []Span{
					{Name: "Handler/ServiceRole/Resource", Kind: "AWS::IAM::Role", Note: "update", Status: Good, Started: at(300_010), Seconds: 9},
					{Name: "Handler/Resource", Kind: "AWS::Lambda::Function", Note: "update", Status: Bad, Error: "The runtime parameter of nodejs16.x is no longer supported", Started: at(300_020), Seconds: 5},
					{Name: "Handler/ServiceRole/Resource", Kind: "AWS::IAM::Role", Note: "rollback", Status: Good, Started: at(300_030), Seconds: 20},
				}},
				{Name: "EdgeStack", Status: Stopped, Note: "skipped because of ApiStack"},
			}},
		},
		Environments: []Environment{
			{
				Name: "dev", Status: Good, Rights: []Right{{"ApiStack", "HandlerRole", "${HandlerRole} may dynamodb:PutItem on ${Orders.Arn}"}},
				Tests: &Tests{Status: Good, Total: 14, Left: 1}, Outputs: []Output{{"ApiStack", "Url", "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod/"}, {"DatabaseStack", "TableName", "shop-orders"}},
			},
			{Name: "prod", Status: Bad, Gates: []Gate{{"windows", "open", "Monday to Thursday, 09:00 to 16:00 Europe/Berlin", "", "", false}, {"freezes", "overridden", "frozen until 2026-12-01: quarter end", "hubot", "fix of the checkout", true}}, Rights: []Right{{"ApiStack", "HandlerRole", "${HandlerRole} may dynamodb:PutItem on ${Orders.Arn}"}}},
		},
		Notes: []Note{{"Environments that this run does not deploy", []string{"us"}}},
	}
}

// pipeline is the pipeline of the shop.
func pipeline() Pipeline {
	run := func(i int) Link { return Link{Run: "shop-" + strings.Repeat(string(rune('a'+i)), 32), Has: true} }
	p := Pipeline{
		Name: "shop", Now: noon, Days: 30, Total: 241,
		Environments: []Deployed{
			{Name: "dev", Commit: strings.Repeat("3f2a9c1d", 5), Branch: "main", By: "octocat", Since: noon.Add(-2 * time.Hour), Run: run(0)},
			{Name: "prod", Commit: strings.Repeat("77aa9c1d", 5), Branch: "main", By: "hubot", Since: noon.Add(-70 * time.Hour), Run: run(2), Failed: &Failed{strings.Repeat("3f2a9c1d", 5), "octocat", "stack ApiStack failed: the runtime is no longer supported", noon.Add(-time.Hour), run(0)}},
		},
		Keys: []Keys{
			{Environment: "dev", Deployments: 61, Succeeded: 58, PerWeek: 13.5, Lead: 4 * time.Minute, Leads: 58, Failed: 3, FailureRate: 3.0 / 61, Restore: 22 * time.Minute, Restores: 3},
			{Environment: "prod", Deployments: 22, Succeeded: 20, PerWeek: 4.7, Lead: 26 * time.Hour, Leads: 20, Failed: 2, FailureRate: 2.0 / 22, Restore: 71 * time.Minute, Restores: 1},
		},
	}
	for i, step := range []string{"deploy-prod", "build", "deploy-dev", "test-dev", "validate"} {
		pace := Pace{Step: step, Now: time.Duration(300-50*i) * time.Second, Before: time.Duration(280-45*i) * time.Second}
		for n := range 30 {
			pace.Runs = append(pace.Runs, pace.Before+time.Duration((n*7+i*3)%11)*8*time.Second)
		}
		p.Slowest = append(p.Slowest, pace)
	}
	for i := range 12 {
		s := Summary{Run: run(i), Word: "Succeeded", Status: Good, Commit: strings.Repeat("3f2a9c1d", 5), Branch: "main", By: "octocat", Created: noon.Add(time.Duration(-i-1) * time.Hour), Environments: []string{"dev", "prod"}}
		s.Ended = s.Created.Add(time.Duration(300+i*7) * time.Second)
		switch i {
		case 0:
			s.Word, s.Status, s.Error, s.Environments = "Failed", Bad, "deploy-prod: stack ApiStack failed: the runtime is no longer supported", []string{"dev"}
		case 3:
			s.Purpose, s.Environments = "rollback", []string{"prod"}
		case 5:
			s.Word, s.Status, s.Skipped, s.Environments = "Skipped", Idle, "no file of triggers.paths changed", nil
		}
		p.Runs = append(p.Runs, s)
	}
	return p
}

// TestExamplesArePages renders the pages that make check-pages opens in a browser.
func TestExamplesArePages(t *testing.T) {
	hostileRun, hostilePipeline := hostile("<script>alert(1)</script>\"'><img src=x onerror=alert(1)>javascript:alert(1)\u202e" + strings.Repeat("W", 200))
	for name, run := range map[string]Run{"run.html": shop(), "large.html": large(), "hostile.html": hostileRun} {
		data, err := OfRun(run)
		require.NoError(t, err)
		keep(t, name, data)
	}
	for name, p := range map[string]Pipeline{"index.html": pipeline(), "hostile-index.html": hostilePipeline} {
		data, err := OfPipeline(p)
		require.NoError(t, err)
		keep(t, name, data)
	}
}

func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	harmless(t, data)
	if *pages != "" {
		require.NoError(t, os.MkdirAll(*pages, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(*pages, name), data, 0o644))
	}
}

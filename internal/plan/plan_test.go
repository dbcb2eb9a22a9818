package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
	"github.com/aphex/aphex-pipeline/stages"
)

func place() plan.Place {
	return plan.Place{Region: "eu-west-1", Bucket: "artifacts", Config: "aphex-config.yaml"}
}

// ofEnvironments names the steps of the environments, in their order.
func ofEnvironments(p plan.Plan) (names []string) {
	for _, s := range p.Steps {
		if s.Environment != "" {
			names = append(names, s.Name)
		}
	}
	return names
}

// step returns a step of the plan.
func step(t *testing.T, p plan.Plan, name string) plan.Step {
	t.Helper()
	for _, s := range p.Steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no step %q", name)
	return plan.Step{}
}

func tested(name string, after ...string) config.Environment {
	return config.Environment{Name: name, After: after, Tests: &config.Tests{Commands: []string{"true"}}}
}

func TestEnvironmentsFollowOneAnotherAfterThePipelinesOwnDeployment(t *testing.T) {
	prod := config.Environment{Name: "prod", After: []string{"dev"}, RequiresApproval: true}
	p, err := plan.New(&config.Config{Environments: []config.Environment{tested("dev"), prod}}, stages.Contracts(), place())
	require.NoError(t, err)

	assert.Equal(t, plan.Validate, p.Steps[0].Name)
	assert.Empty(t, p.Steps[0].After)
	assert.Equal(t, []string{"gate-dev", "deploy-dev", "test-dev", "gate-prod", "deploy-prod"}, ofEnvironments(p))
	for name, after := range map[string]string{
		"build": "validate", "gate-dev": "pipeline", "deploy-dev": "gate-dev", "test-dev": "deploy-dev", "gate-prod": "test-dev", "deploy-prod": "gate-prod",
	} {
		assert.Equal(t, []string{after}, step(t, p, name).After, name)
	}
}

func TestEnvironmentsOfOneWaveWaitForTheSameOnes(t *testing.T) {
	p, err := plan.New(&config.Config{Environments: []config.Environment{
		tested("eu", "dev"), tested("us", "dev"), {Name: "dev"},
	}}, stages.Contracts(), place())
	require.NoError(t, err)

	assert.Equal(t, []string{
		"gate-dev", "deploy-dev", "gate-eu", "deploy-eu", "test-eu", "gate-us", "deploy-us", "test-us",
	}, ofEnvironments(p))
}

func TestTheReconcilerNeedsARepositoryAndASchedule(t *testing.T) {
	cfg := shop()
	cfg.ReconcileSchedule, cfg.WorkflowNamePrefix = "*/15 * * * *", "shop-"
	p, err := plan.New(cfg, stages.Contracts(), place())
	require.NoError(t, err)
	require.NotNil(t, p.Watch)
	assert.Equal(t, "*/15 * * * *", p.Watch.Schedule)
	assert.Equal(t, plan.Reconciler, p.Watch.Identity)
	assert.Equal(t, plan.Source{Text: "https://github.com/my-org/My_Shop.js.git"}, p.Watch.Inputs[0].Source)

	cfg.ReconcileSchedule = ""
	p, err = plan.New(cfg, stages.Contracts(), place())
	require.NoError(t, err)
	assert.Nil(t, p.Watch)

	cfg.ReconcileSchedule, cfg.GithubRepo = "*/15 * * * *", ""
	p, err = plan.New(cfg, stages.Contracts(), place())
	require.NoError(t, err)
	assert.Nil(t, p.Watch)
}

func TestTheArtifactAndTheOutputsAreHandedOn(t *testing.T) {
	p, err := plan.New(&config.Config{Environments: []config.Environment{tested("dev")}}, stages.Contracts(), place())
	require.NoError(t, err)

	given := map[string]plan.Source{}
	tests, deployment := step(t, p, "test-dev"), step(t, p, "deploy-dev")
	for _, input := range tests.Inputs {
		given[input.Name] = input.Source
	}
	assert.Equal(t, plan.Source{Kind: plan.Output, Step: "build", Text: "digest"}, given["digest"])
	assert.Equal(t, plan.Source{Kind: plan.File, Text: "stack-outputs.json"}, given["outputs-file"])
	leaves := deployment.Inputs[len(deployment.Inputs)-1]
	assert.Equal(t, "detailed-outputs-file", leaves.Name)
	assert.Equal(t, given["outputs-file"], leaves.Source, "the deployment leaves the file that the tests read")
	assert.Equal(t, "deploy-dev", tests.Pod)
	assert.Equal(t, plan.Source{Kind: plan.Parameter, Text: "commit-sha"}, given["commit"])
	assert.Equal(t, plan.Source{Kind: plan.Literal, Text: "dev"}, given["environment"])
}

func TestThePipelinesOwnStepReceivesTheEnvironmentsOfTheRun(t *testing.T) {
	p, err := plan.New(&config.Config{Environments: []config.Environment{tested("dev"), {Name: "prod", RequiresApproval: true}}}, stages.Contracts(), place())
	require.NoError(t, err)
	given := map[string]plan.Source{}
	for _, input := range step(t, p, plan.Pipeline).Inputs {
		given[input.Name] = input.Source
	}
	assert.Equal(t, plan.Source{Text: "dev prod"}, given["environments"])
	assert.Equal(t, plan.Source{Text: "prod"}, given["gates"])
	assert.Equal(t, plan.Source{Kind: plan.Run, Text: "template"}, given["template"])
	assert.Equal(t, plan.Source{Kind: plan.Parameter, Text: "gates"}, given["held"])
	for _, name := range ofEnvironments(p) {
		assert.Contains(t, []string{"dev", "prod"}, step(t, p, name).Environment, name)
	}
	assert.Equal(t, []string{"gate-dev", "deploy-dev", "test-dev", "gate-prod", "deploy-prod"}, ofEnvironments(p))
}

// changed are the contracts of all stages, one of them changed.
func changed(name string, change func(*contract.Contract)) plan.Stages {
	all := stages.Contracts()
	for i := range all {
		if all[i].Name() == name {
			change(&all[i])
		}
	}
	return all
}

func TestAStageThatDoesNotExistIsAnError(t *testing.T) {
	_, err := plan.New(&config.Config{}, stages.Contracts()[1:], place())
	assert.ErrorContains(t, err, `step "validate" runs a stage "validator" that does not exist`)
}

func TestAContractThatDoesNotMatchThePlanIsAnError(t *testing.T) {
	_, err := plan.New(&config.Config{}, changed("builder", func(c *contract.Contract) {
		c.Inputs = append(slices.Clone(c.Inputs), contract.Param{Name: "colour", Required: true})
	}), place())
	assert.ErrorContains(t, err, `step "build" has no source for the required input "colour"`)

	_, err = plan.New(&config.Config{Environments: []config.Environment{tested("dev")}}, changed("tester", func(c *contract.Contract) {
		c.Inputs = slices.DeleteFunc(slices.Clone(c.Inputs), func(p contract.Param) bool { return p.Name == "commit" })
	}), place())
	assert.ErrorContains(t, err, `an unknown input "commit"`)
}

func TestAnOutputThatNoStepHasIsAnError(t *testing.T) {
	_, err := plan.New(&config.Config{}, changed("builder", func(c *contract.Contract) {
		c.Outputs = slices.DeleteFunc(slices.Clone(c.Outputs), func(p contract.Param) bool { return p.Name == "artifact" })
	}), place())
	assert.ErrorContains(t, err, `uses an output "artifact" that step "build" does not have`)
}

func TestTheEnvironmentThatAStepDeploysIsFoundInItsName(t *testing.T) {
	assert.Equal(t, "prod-eu", plan.DeployedBy(plan.Deploy("prod-eu")))
	for _, step := range []string{plan.Build, plan.Test("dev"), plan.Wait("dev"), ""} {
		assert.Empty(t, plan.DeployedBy(step), step)
	}
}

func TestAnyGraphOfEnvironmentsIsPlannedCompletelyAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		environments := environments(t)
		p, err := plan.New(&config.Config{Environments: environments}, stages.Contracts(), place())
		require.NoError(t, err)

		deployed, done := 0, map[string]bool{}
		for _, step := range p.Steps {
			for _, before := range step.After {
				assert.True(t, done[before], "%s comes before %s", step.Name, before)
			}
			done[step.Name] = true
			if strings.HasPrefix(step.Name, plan.Deploy("")) {
				deployed++
			}
		}
		assert.Equal(t, len(environments), deployed)
		for _, env := range environments {
			assert.True(t, done[plan.Deploy(env.Name)])
			assert.Equal(t, env.Tests != nil, done[plan.Test(env.Name)])
			assert.True(t, done[plan.Wait(env.Name)], "whether it waits is decided in the run")
		}
	})
}

func TestACheckKnowsWhichEnvironmentsTheInstalledPipelineDoesNotPlan(t *testing.T) {
	own := config.Environment{Name: "own", Account: "222222222222", RoleARN: "arn:aws:iam::222222222222:role/own"}
	for _, c := range []struct {
		failOn []config.PlanReason
		want   string
	}{{nil, ""}, {[]config.PlanReason{config.Destructive}, "own=" + own.RoleARN}} {
		p, err := plan.New(&config.Config{
			Environments: []config.Environment{tested("dev"), own}, PullRequests: config.PullRequests{Plan: config.PlanTemplate, FailOn: c.failOn},
		}, stages.Contracts(), place())
		require.NoError(t, err)
		check := p.Check[len(p.Check)-1]
		require.Equal(t, plan.PlanStep, check.Name)
		text := ""
		for _, in := range check.Inputs {
			if in.Param.Name == "unplanned" {
				text = in.Source.Text
			}
		}
		assert.Equal(t, c.want, text)
	}
}

// environments draws a list in any order whose `after` has no cycle.
func environments(t *rapid.T) []config.Environment {
	count := rapid.IntRange(1, 12).Draw(t, "count")
	all := make([]config.Environment, count)
	for i := range all {
		env := config.Environment{Name: fmt.Sprintf("e%02d", i), RequiresApproval: rapid.Bool().Draw(t, "approval")}
		if rapid.Bool().Draw(t, "tested") {
			env.Tests = &config.Tests{}
		}
		for j := range i {
			if rapid.IntRange(0, 3).Draw(t, "after") == 0 {
				env.After = append(env.After, all[j].Name)
			}
		}
		all[i] = env
	}
	return rapid.Permutation(all).Draw(t, "order")
}

func TestWhereTheTokenOfTheRepositoryIsUsedTheGitHubAppTakesItsPlace(t *testing.T) {
	text := "version: \"1.0\"\ngithubOwner: my-org\ngithubRepo: shop\ngithubApp: {id: 12, installationId: 345, privateKeySecretName: shop/app}\n" +
		"notifications: [{github: {report: [statuses]}}]\nenvironments:\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: A}]}\n"
	cfg, err := config.Parse(config.File, []byte(text))
	require.NoError(t, err)
	p, err := plan.New(cfg, stages.Contracts(), plan.Place{Config: config.File})
	require.NoError(t, err)
	used := 0
	for _, step := range append(p.Steps, p.Exit, p.Watch.Step) {
		values := map[string]string{}
		for _, input := range step.Inputs {
			values[input.Name] = input.Source.Text
		}
		if secret, is := values["token-secret"]; is {
			used++
			assert.Equal(t, []string{"shop/app", "12/345", "github.com"}, []string{secret, values["github-app"], values["host"]}, step.Name)
		}
	}
	assert.Equal(t, 5, used, "validation, build, update, record and reconciler")
	assert.Equal(t, []config.Secret{{SecretsManager: "shop/app"}}, plan.NotificationSecrets(cfg))
}

package plan_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

const accountOne, accountTwo, ownRole, testRole = "111111111111", "222222222222", "arn:aws:iam::222222222222:role/own", "arn:aws:iam::222222222222:role/tests"

func declaring(all ...config.Environment) *config.Config { return &config.Config{Environments: all} }

func TestEnvironmentsOfOneAccountShareItsAccess(t *testing.T) {
	cfg := declaring(
		config.Environment{Name: "dev", Account: accountOne, Region: "eu-west-1"},
		config.Environment{Name: "us", Account: accountOne, Region: "us-west-2", BootstrapQualifiers: []string{"shop", "hnb659fds"}},
		config.Environment{Name: "prod", Account: accountTwo},
		config.Environment{Name: "own", Account: accountTwo, RoleARN: ownRole},
		config.Environment{Name: "own-again", Account: accountTwo, RoleARN: ownRole, CommandRoleARN: testRole},
	)
	assert.Equal(t, []plan.Access{
		{Account: accountOne, Qualifiers: []string{"hnb659fds", "shop"}},
		{Account: accountTwo, Qualifiers: []string{"hnb659fds"}},
		{Account: accountTwo, RoleARN: ownRole, Commands: []string{testRole}},
	}, plan.AccessesOf(cfg))
}

func TestAnAccessIsWithinWhatAPersonApproved(t *testing.T) {
	bootstrap := plan.Access{Account: accountOne, Qualifiers: []string{"hnb659fds", "shop"}}
	own := plan.Access{Account: accountTwo, RoleARN: ownRole}
	for _, access := range []plan.Access{bootstrap, own} {
		assert.True(t, access.Within(access.String()))
		with := access
		with.Commands = []string{testRole}
		assert.False(t, with.Within(access.String()), "a role of commands is approved, too")
		assert.True(t, with.Within(with.String()))
		assert.True(t, access.Within(with.String()))
	}
	assert.True(t, bootstrap.Within(accountOne+"=other,shop,hnb659fds"))
	assert.True(t, bootstrap.Within(accountOne+"/eu-west-1"), "as templates of earlier versions say it")
	for _, approved := range []string{
		"", accountOne, accountOne + "=", accountOne + "=hnb659fds", accountTwo + "=hnb659fds,shop", accountTwo + "/eu-west-1", accountOne + "=hnb659fdsshop", ownRole,
	} {
		assert.False(t, bootstrap.Within(approved), approved)
	}
	for _, approved := range []string{"", accountTwo + "=hnb659fds", accountTwo + "/eu-west-1", ownRole + "s", "arn:aws:iam::222222222222:role/ow"} {
		assert.False(t, own.Within(approved), approved)
	}
}

func TestWhatNoPersonApprovedWaitsWithAllThatFollowsIt(t *testing.T) {
	cfg := declaring(
		config.Environment{Name: "dev", Account: accountOne},
		config.Environment{Name: "stage", Account: accountTwo, After: []string{"dev"}},
		config.Environment{Name: "eu", Account: accountOne, After: []string{"dev"}},
		config.Environment{Name: "prod", Account: accountOne, After: []string{"eu", "stage"}},
	)
	approved, waiting, err := plan.Approved(cfg, func(a plan.Access) bool { return a.Account == accountOne })
	require.NoError(t, err)
	assert.Equal(t, []config.Environment{cfg.Environments[0], cfg.Environments[2]}, approved.Environments)
	assert.Len(t, cfg.Environments, 4, "the configuration itself stays")
	require.Len(t, waiting, 2)
	assert.Equal(t, "stage", waiting[0].Environment)
	assert.Contains(t, waiting[0].Message(), "account "+accountTwo)
	assert.Equal(t, "prod", waiting[1].Environment)
	assert.Contains(t, waiting[1].Message(), "environment stage")

	_, waiting, err = plan.Approved(cfg, func(a plan.Access) bool { return a.Account == accountTwo })
	require.ErrorContains(t, err, "account "+accountOne)
	assert.Contains(t, errs.HintOf(err), "generator bootstrap")
	assert.Len(t, waiting, 4, "stage follows dev, which waits")
}

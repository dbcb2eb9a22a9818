package documents_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// threat is an attack or a fault that the product must survive, with the tests that perform
// it. control is the test that shows that the attack succeeds where the defence is missing,
// so that the tests can fail; shown is where, a text of that test.
type threat struct {
	id, what string
	tests    []string
	control  string
	shown    string
}

// uncontrolled are the threats without a control, and why.
var uncontrolled = map[string]string{
	"T25": "without limits, the command takes the memory and the disk of the node on which all tests run",
}

// threats are all attacks, and the faults and permissions with a test of their own. Tests of
// the folder e2e run on a cluster.
var threats = []threat{
	{"T1", "values of an event or a configuration that a shell, Argo, the kubelet or YAML would evaluate", []string{
		"TestAHostileValueOfAnEventIsUsedLiterallyByARun", "TestAHostileValueOfAConfigurationIsRefusedOrUsedLiterally", "TestAHostileEventIsRefusedOrUsedLiterally",
		"TestTheKubeletExpandsNoValueOfAPush",
	}, "TestArgoItselfWouldEvaluateAValue", `assert.Equal(t, "2"`},
	{"T2", "a commit that is no SHA", []string{"TestACommitIsAFullSHA"}, "TestACommitIsAFullSHA", "unchecked runs what it says"},
	{
		"T3", "a repository at another address or host, and a redirect there",
		[]string{"TestOnlyTheConfiguredHostIsFetchedFrom", "TestARedirectToAnotherHostIsRefusedAndGetsNoToken"},
		"TestARedirectToAnotherHostIsRefusedAndGetsNoToken", "gives the token to the other host",
	},
	{"T4", "an archive that leaves its folder or unfolds too far", []string{
		"TestHostileArchivesAreRefusedAndWriteNothingOutside", "TestOneFileOfAHostileArchiveIsNotRead", "TestABombIsRefusedAtOnceAndInBoundedMemory",
	}, "TestHostileArchivesAreRefusedAndWriteNothingOutside", "a program that joins paths writes outside"},
	{"T5", "a repository with hooks, links at .git, submodules, large files", []string{
		"TestNoHookOfTheRepositoryRuns", "TestHostileCommitsAreRefusedAndNothingIsWritten", "TestSubmodulesStayEmptyAndTheirURLIsNotRead", "TestAFileOfAGibibyteNeedsLittleMemory",
	}, "TestNoHookOfTheRepositoryRuns", "the program git runs it"},
	{"T6", "a configuration that is no YAML, too large, or a bomb", []string{"TestAHostileFileIsRefusedQuickly"}, "TestAHostileFileIsRefusedQuickly", "unfolds the bomb"},
	{"T7", "an artifact that is changed after the build", []string{"TestAnArtifactThatWasChangedAfterTheBuildIsNotDeployed", "TestAChangedArtifactIsRefusedAndNothingOfItIsUsed"}, "TestAnArtifactThatWasChangedAfterTheBuildIsNotDeployed", "kept"},
	{"T8", "a delivery without signature, of another kind, twice, of 1.5 MB", []string{
		"TestOnlyPushesToTheBranchStartARunAndAPullRequestIsOnlyChecked", "TestADeliveryStartsWhatItShould", "TestADeliveryThatIsSentTwiceStartsOneRunAndALargeOneStartsOneToo",
	}, "TestADeliveryThatIsSentTwiceStartsOneRunAndALargeOneStartsOneToo", "another commit"},
	{"T9", "an assembly that reaches out of its folder or its account", []string{
		"TestALinkOutOfTheAssemblyIsRefused", "TestAHostileAssemblyWritesNothing", "TestNothingOfAnotherAccountIsEverInBounds", "TestAnAssemblyThatReachesOutOfItsEnvironmentIsRefused",
	}, "TestALinkOutOfTheAssemblyIsRefused", "the secret is published"},
	{"T10", "secrets that a command prints, in any encoding and split anywhere", []string{
		"TestNoSecretPassesInAnyEncodingSplitAnywhere", "TestNoPartOfASecretIsReadableInWrappedBase64", "TestSecretsAreMaskedOnEveryCutOfAnEndlessLine", "TestASecretIsInNoLogAndNoRecord", "TestNoSecretIsInAKeptReport",
	}, "TestNoSecretPassesInAnyEncodingSplitAnywhere", "who does not know the secret shows it"},
	{"T11", "a command that ignores signals, leaves its group, prints without end", []string{"TestAProcessIsARunner", "TestAServerIsARunner", "TestEndlessOutputNeedsBoundedMemory", "TestACommandMayCloseItsOutput"}, "TestEndlessOutputNeedsBoundedMemory", "for who keeps it"},
	{
		"T12", "code of the repository that looks for a token of the cluster",
		[]string{"TestCodeOfTheRepositoryFindsNothingOfTheStage", "TestOnlyTheStagesThatCallTheClusterHaveATokenOfIt", "TestThePolicyDeniesWhatWouldGiveAPodMoreRights"},
		"TestCodeOfTheRepositoryFindsNothingOfTheStage", "the attack must be able to succeed",
	},
	{
		"T13", "code that holds the update widens it and enters prod",
		[]string{"TestWhoeverHoldsTheUpdateCannotWidenIt", "TestCodeOfTheRepositoryFindsNothingOfTheStage"},
		"TestALooseRoleOfTheStackWouldLetTheUpdateIn", "require.NoError",
	},
	{"T14", "a build that edits the configuration", []string{"TestABuildThatChangesTheConfigurationFails", "TestAConfigurationThatIsNotTheFileOfTheCommitDeploysNothing"}, "TestAConfigurationThatIsNotTheFileOfTheCommitDeploysNothing", "without the digest"},
	{"T15", "an assembly for dev that names what is of prod", []string{
		"TestAnAssemblyThatReachesOutOfItsEnvironmentIsRefused", "TestAnAssemblyThatNamesAnotherBootstrapIsRefusedUnlessTheConfigurationNamesItToo",
	}, "TestAnAssemblyThatNamesAnotherBootstrapIsRefusedUnlessTheConfigurationNamesItToo", "who believes the assembly enters prod"},
	{"T16", "a build that overwrites objects of another commit, or forges a record", []string{
		"TestNobodyOverwritesArtifactsAndRecords", "TestARecordThatNamesAnotherStepIsNotUsed", "TestEachIdentityWritesItsKeysAndNoOther",
	}, "TestNobodyOverwritesArtifactsAndRecords", "withoutConditions"},
	{"T17", "code that patches the result of a step of another run", []string{"TestCodeOfTheRepositoryFindsNothingOfTheStage", "TestOnlyTheExecutorMayReportResultsAndItMayNothingElse"}, "TestCodeOfTheRepositoryFindsNothingOfTheStage", "the attack must be able to succeed"},
	{"T18", "an older commit, or a delivery that is replayed", []string{
		"TestAnOlderCommitIsNotDeployedOverANewerOne", "TestARunThatAnotherOneOvertookDeploysToNoEnvironment", "TestOfQuickPushesTheNewestIsDeployedLastAndAnOldOneIsNotDeployedOverIt",
	}, "TestAnOlderCommitIsNotDeployedOverANewerOne", "the older one goes over it"},
	{"T19", "small input that becomes gigabytes, and files without end", []string{
		"TestASmallRepositoryThatBecomesTwoGigabytesIsRefusedAtOnce", "TestContextThatIsNoFileOfTheWorkspaceIsRefused", "TestOneFileOfAHostileArchiveIsNotRead",
	}, "TestOneFileOfAHostileArchiveIsNotRead", "assert.Len(t, got, 1000)"},
	{"T20", "a stray key, issued keys, special characters, a cut", []string{"TestAStrayKeyOfAChildHidesNothingOfOurs", "TestWhatAChildIsIssuedIsHiddenBeforeItHasIt", "TestASecretIsMaskedBeforeItIsEncodedOrCut"}, "TestAStrayKeyOfAChildHidesNothingOfOurs", "hides all that follows"},
	{"T21", "a bucket that somebody else made again", []string{"TestABucketOfAnotherAccountIsRefused", "TestEveryCallOfAClientNamesTheOwnerOfTheBucketOrIsNotMade"}, "TestABucketOfAnotherAccountIsRefused", `require.NoError(t, ours("111111111111")`},
	{"T22", "a value with $(NAME)", []string{"TestAHostileBranchIsUsedLiterallyByARun", "TestAMessageOfAFailedStepIsUsedLiterally", "TestTheKubeletExpandsNoValueOfAPush"}, "TestTheKubeletExpandsNoValueOfAPush", "the kubelet would change it"},
	{"T23", "an asset that reads outside of the assembly", []string{"TestAnAssemblyThatReachesOutOfItsEnvironmentIsRefused"}, "TestAManifestThatNobodyComparedReadsAFileOfTheHost", "the attack works"},
	{"T24", "code that asks the instance metadata service or the API server", []string{"TestTheNetworkPoliciesOfAPipelineHold", "TestNoPodReachesTheCredentialsOfItsNode", "TestCodeOfTheRepositoryFindsNothingOfTheStage"}, "TestCodeOfTheRepositoryFindsNothingOfTheStage", "the attack must be able to succeed"},
	{"T25", "code that fills memory or disk", []string{"TestCodeThatUsesUpMemoryOrDiskEndsAndTheRunSaysWhy", "TestADiskThatIsFullIsNamedWhereverItFillsUp"}, "", ""},
	{"T26", "code that speaks the protocol between the containers", []string{
		"TestAHostileAnswerToACommandIsAnErrorOfItsOwn", "TestAHostileAnswerToABindingIsAnErrorOfItsOwn", "TestHostileFilesAreRefusedAndLeaveNothing", "TestOnlyTheFirstSecretIsTaken",
		"TestACommandOfTheDeploymentDoesNotComeBeforeTheTests",
	}, "TestOnlyTheFirstSecretIsTaken", "takes that of whoever comes first"},
	{"T27", "text that a terminal, a page or a table would obey", []string{"TestNothingThatAChildPrintsIsObeyedByATerminal", "TestWhateverIsWrittenNothingReachesTheTerminalThatItObeys"}, "TestNothingThatAChildPrintsIsObeyedByATerminal", "reaches who reads it as it is"},
	{"T28", "a pull request that edits the configuration", []string{"TestAPullRequestIsValidatedAndPlannedAndDeploysNothing", "TestOnlyPushesToTheBranchStartARunAndAPullRequestIsOnlyChecked", "TestACommitChangesNothingThatBoundsThePipeline"}, "TestACommitChangesNothingThatBoundsThePipeline", "as a person applies them"},
	{"T29", "a second pipeline in the same namespaces", []string{"TestOneOfTwoPipelinesIsDeletedAndTheOtherKeepsWorking", "TestANamespaceThatAPipelineDoesNotHaveForItselfIsRefusedUnlessItIsAccepted"}, "TestANamespaceThatAPipelineDoesNotHaveForItselfIsRefusedUnlessItIsAccepted", "!accepted, check.Failed()"},
	{"T30", "a process that leaves its group", []string{"TestAProcessIsARunner", "TestAServerIsARunner", "TestNoSwarmOutlivesItsCommand", "TestACommandIsStoppedWhenItsParentIsKilled"}, "TestWhoEndsOnlyTheGroupOfACommandLeavesWhatLeftIt", "it still runs"},
	{"F3", "credentials that end during a deployment of 40 minutes", []string{"TestSessionsThatEndAreRenewedDuringALongDeployment"}, "TestSessionsThatEndAreRenewedDuringALongDeployment", "sessions did end"},
	{"F10", "three commits, the oldest of which ends last", []string{"TestARunThatAnotherOneOvertookDeploysToNoEnvironment", "TestOfQuickPushesTheNewestIsDeployedLastAndAnOldOneIsNotDeployedOverIt"}, "TestARunThatAnotherOneOvertookDeploysToNoEnvironment", `{"new", "dev", false}`},
	{"P1", "the role of the build deploys, or reads another pipeline's bucket", []string{"TestThePermissionsOfEachIdentity"}, "TestRolesThatMayDoAnythingWouldLetEachIdentityInEverywhere", "attack(t)"},
	{"P2", "the role of a deployment assumes a role of no environment", []string{"TestThePermissionsOfEachIdentity"}, "TestRolesThatMayDoAnythingWouldLetEachIdentityInEverywhere", "attack(t)"},
	{"P3", "bootstrap roles and own roles in another account", []string{
		"TestARoleOfTheEnvironmentReplacesTheBootstrapRoles", "TestTheRoleOfTheCommandsOfAnEnvironmentIsAssumedBesides",
		"TestTheOwnRoleWithItsExternalIDDeploys", "TestAWrongAccountFailsBeforeAnythingElse",
	}, "TestARoleOfTheEnvironmentReplacesTheBootstrapRoles", "loose"},
	{"P4", "pods at the level restricted", []string{"TestPodsSatisfyTheRestrictedLevel"}, "TestPodsSatisfyTheRestrictedLevel", "without it, Kubernetes refuses the pods"},
	{"P5", "the role of an account enters another", []string{"TestThePermissionsOfEachIdentity", "TestTheBuildAssumesTheRoleOfItsCommandsAndNoOther"}, "TestRolesThatMayDoAnythingWouldLetEachIdentityInEverywhere", "attack(t)"},
	{"P6", "the update changes trust policies, the bucket's policy, the boundary, another stack", []string{"TestWhoeverHoldsTheUpdateCannotWidenIt"}, "TestALooseRoleOfTheStackWouldLetTheUpdateIn", "require.NoError"},
	{"P7", "a commit that names a new account", []string{"TestWhatNoPersonApprovedWaitsAndTheRestIsDeployed", "TestACommitThatNamesAnAccountThatNoPersonApprovedIsValid", "TestAnAccountThatACommitAddsWaitsForAPerson"}, "TestWhatNoPersonApprovedWaitsAndTheRestIsDeployed", "approve("},
	{"P8", "each identity needs its permissions and no other", []string{"TestEachIdentityUsesAllOfItsPermissionsAndNeedsNoOther"}, "TestEachIdentityUsesAllOfItsPermissionsAndNeedsNoOther", "a permission too many is found"},
}

// tests returns the text of every test function of the repository, by name.
func tests(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, top := range []string{"cmd", "internal", "stages", "e2e", "awssim"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, declared := range file.Decls {
				if function, is := declared.(*ast.FuncDecl); is && function.Recv == nil && strings.HasPrefix(function.Name.Name, "Test") {
					all[function.Name.Name] += string(text[files.Position(function.Pos()).Offset:files.Position(function.End()).Offset])
				}
			}
			return nil
		}))
	}
	return all
}

func TestEveryThreatHasATestThatPerformsIt(t *testing.T) {
	known, missing := tests(t), map[string]bool{"F3": true, "F10": true}
	for i := range 30 {
		missing[fmt.Sprintf("T%d", i+1)] = true
	}
	for i := range 8 {
		missing[fmt.Sprintf("P%d", i+1)] = true
	}
	for _, threat := range threats {
		assert.True(t, missing[threat.id], "%s is no threat, or listed twice", threat.id)
		delete(missing, threat.id)
		assert.NotEmpty(t, threat.tests, "%s: %s", threat.id, threat.what)
		for _, name := range threat.tests {
			assert.Contains(t, known, name, "%s: %s", threat.id, threat.what)
		}
		assert.NotEqual(t, uncontrolled[threat.id] == "", threat.control == "", "%s has either a control or a reason for having none", threat.id)
		if threat.control == "" {
			continue
		}
		assert.Contains(t, known, threat.control, "%s: %s", threat.id, threat.what)
		assert.NotEmpty(t, threat.shown, "%s", threat.id)
		assert.Contains(t, known[threat.control], threat.shown, "%s: %s shows no more that the attack can succeed", threat.id, threat.control)
	}
	assert.Empty(t, missing, "threats without a test")
}

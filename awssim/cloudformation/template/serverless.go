package template

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/sam"
)

// serverless runs AWS::Serverless-2016-10-31.
func (p *processor) serverless(root map[string]any) error {
	partition, _ := p.env.Pseudo["AWS::Partition"].(string)
	err := sam.Transform(root, sam.Options{Partition: partition, Evaluate: p.env.Evaluate, Application: repositoryURL})
	if err != nil {
		return &TransformError{Name: serverless, Reason: err.Error()}
	}
	return nil
}

// rotations are the applications that rotate the secrets of databases.
var rotations = regexp.MustCompile(`^arn:[a-z-]+:serverlessrepo:[a-z0-9-]+:\d{12}:applications[/:](SecretsManager\w+Rotation(?:SingleUser|MultiUser))$`)

const repository = "https://awsserverlessrepo-applications.s3.amazonaws.com/"

// repositoryURL is where the template of an application is.
func repositoryURL(application, _ string) (string, error) {
	if found := rotations.FindStringSubmatch(application); found != nil {
		return repository + found[1], nil
	}
	if powerTuning.MatchString(application) {
		return repository + "aws-lambda-power-tuning", nil
	}
	return "", fmt.Errorf("the simulator's repository has no application %s: nothing is fetched from the Serverless Application Repository. "+
		"Deploy the application's template from a bucket, with its URL as Location", application)
}

// FromRepository returns the template behind a URL of the simulator's repository
// of applications.
func FromRepository(url string) (string, bool) {
	if !strings.HasPrefix(url, repository) {
		return "", false
	}
	if url == repository+"aws-lambda-power-tuning" {
		return powerTuningApplication, true
	}
	return rotationApplication, true
}

// powerTuning is the application that finds the best memory size of a function.
var powerTuning = regexp.MustCompile(`^arn:[a-z-]+:serverlessrepo:[a-z0-9-]+:\d{12}:applications[/:]aws-lambda-power-tuning$`)

// powerTuningApplication stands for it: a state machine.
const powerTuningApplication = `{"Parameters":{
 "PowerValues":{"Type":"CommaDelimitedList","Default":"128,256,512,1024,1536,3008"},
 "visualizationURL":{"Type":"String","Default":"https://lambda-power-tuning.show/"},
 "lambdaResource":{"Type":"String","Default":"*"},"totalExecutionTimeout":{"Type":"Number","Default":300}},
"Resources":{
 "statemachineRole":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Version":"2012-10-17",
  "Statement":[{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}]}}},
 "powerTuningStateMachine":{"Type":"AWS::StepFunctions::StateMachine","Properties":{"RoleArn":{"Fn::GetAtt":["statemachineRole","Arn"]},
  "DefinitionString":"{\"StartAt\":\"Done\",\"States\":{\"Done\":{\"Type\":\"Succeed\"}}}"}}},
"Outputs":{"StateMachineARN":{"Value":{"Ref":"powerTuningStateMachine"}}}}`

// rotationApplication stands for the applications that rotate secrets: a
// function that may be called by Secrets Manager.
const rotationApplication = `{"Parameters":{
 "endpoint":{"Type":"String"},"functionName":{"Type":"String"},
 "excludeCharacters":{"Type":"String","Default":""},"excludeLowercase":{"Type":"String","Default":""},
 "excludeNumbers":{"Type":"String","Default":""},"excludePunctuation":{"Type":"String","Default":""},
 "excludeUppercase":{"Type":"String","Default":""},"kmsKeyArn":{"Type":"String","Default":""},
 "masterSecretArn":{"Type":"String","Default":""},"superuserSecretArn":{"Type":"String","Default":""},
 "masterSecretKmsKeyArn":{"Type":"String","Default":""},"passwordLength":{"Type":"String","Default":""},
 "requireEachIncludedType":{"Type":"String","Default":""},
 "vpcSecurityGroupIds":{"Type":"String","Default":""},"vpcSubnetIds":{"Type":"String","Default":""}},
"Resources":{
 "SecretsManagerRotationRole":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Version":"2012-10-17",
  "Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}}},
 "SecretsManagerRotation":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":{"Ref":"functionName"},
  "Handler":"lambda_function.lambda_handler","Runtime":"python3.10","Timeout":30,"Code":{"ZipFile":"# the rotation function of AWS"},
  "Role":{"Fn::GetAtt":["SecretsManagerRotationRole","Arn"]},
  "Environment":{"Variables":{"SECRETS_MANAGER_ENDPOINT":{"Ref":"endpoint"},"EXCLUDE_CHARACTERS":{"Ref":"excludeCharacters"}}}}},
 "LambdaPermission":{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction",
  "FunctionName":{"Ref":"SecretsManagerRotation"},"Principal":"secretsmanager.amazonaws.com"}}},
"Outputs":{"RotationLambdaARN":{"Value":{"Fn::GetAtt":["SecretsManagerRotation","Arn"]}}}}`

// hostRotations runs AWS::SecretsManager-…: a hosted rotation function becomes
// a nested stack with it.
func hostRotations(root map[string]any) error {
	resources, _ := root["Resources"].(map[string]any)
	for id, member := range maps.Clone(resources) {
		resource, _ := member.(map[string]any)
		properties, _ := resource["Properties"].(map[string]any)
		hosted, ok := properties["HostedRotationLambda"].(map[string]any)
		if !ok || resource["Type"] != "AWS::SecretsManager::RotationSchedule" {
			continue
		}
		kind, _ := hosted["RotationType"].(string)
		if kind == "" {
			return &TransformError{Name: secretsManager, Reason: "RotationType of " + id + " is required."}
		}
		var name any = id + "HostedRotationLambda"
		if hosted["RotationLambdaName"] != nil {
			name = hosted["RotationLambdaName"]
		}
		parameters := map[string]any{
			"functionName": name,
			"endpoint":     map[string]any{"Fn::Sub": "https://secretsmanager.${AWS::Region}.${AWS::URLSuffix}"},
		}
		for from, to := range map[string]string{
			"ExcludeCharacters": "excludeCharacters", "KmsKeyArn": "kmsKeyArn", "MasterSecretArn": "masterSecretArn",
			"SuperuserSecretArn": "superuserSecretArn", "VpcSecurityGroupIds": "vpcSecurityGroupIds", "VpcSubnetIds": "vpcSubnetIds",
		} {
			if hosted[from] != nil {
				parameters[to] = hosted[from]
			}
		}
		nested := id + "HostedRotationLambda"
		resources[nested] = map[string]any{"Type": "AWS::CloudFormation::Stack", "Properties": map[string]any{
			"TemplateURL": repository + "SecretsManagerRDS" + kind, "Parameters": parameters,
		}}
		delete(properties, "HostedRotationLambda")
		properties["RotationLambdaARN"] = map[string]any{"Fn::GetAtt": []any{nested, "Outputs.RotationLambdaARN"}}
	}
	return nil
}

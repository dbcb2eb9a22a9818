package kinds

var security = map[string]kind{
	"AWS::IAM::Role": {
		name: "RoleName", tags: true, limit: 64, replace: []string{"Path"}, required: []string{"AssumeRolePolicyDocument"},
		attributes: map[string]string{
			"Arn":    "arn:{partition}:iam::{account}:role/{id}",
			"RoleId": "AROA{up17}",
		},
	},
	"AWS::IAM::Policy": {
		id: "{low5}-{low4}-{up12}", replace: []string{"PolicyName"}, required: []string{"PolicyDocument", "PolicyName"},
		attributes: map[string]string{"Id": "{id}"},
	},
	"AWS::IAM::ManagedPolicy": {
		name: "ManagedPolicyName", id: "arn:{partition}:iam::{account}:policy/{name}",
		replace: []string{"Description", "Path"}, required: []string{"PolicyDocument"},
		attributes: map[string]string{"PolicyArn": "{id}"},
	},
	"AWS::IAM::User": {
		name: "UserName", tags: true, limit: 64,
		attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:user/{id}"},
	},
	"AWS::IAM::Group": {
		name: "GroupName", attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:group/{id}"},
	},
	"AWS::IAM::InstanceProfile": {
		name: "InstanceProfileName", replace: []string{"Path"}, required: []string{"Roles"},
		attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:instance-profile/{id}"},
	},
	"AWS::IAM::AccessKey": {
		id: "AKIA{up16}", replace: []string{"UserName"}, required: []string{"UserName"},
		attributes: map[string]string{"SecretAccessKey": "{low40}"},
	},
	"AWS::IAM::OIDCProvider": {
		id: "arn:{partition}:iam::{account}:oidc-provider/{low12}", tags: true, replace: []string{"Url"},
		attributes: map[string]string{"Arn": "{id}"},
	},
	"AWS::KMS::Key": {
		id: "{uuid}", tags: true,
		attributes: map[string]string{"Arn": "arn:{partition}:kms:{region}:{account}:key/{id}", "KeyId": "{id}"},
	},
	"AWS::KMS::Alias": {name: "AliasName", required: []string{"AliasName", "TargetKeyId"}},
	"AWS::SecretsManager::Secret": {
		name: "Name", id: "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{low6}", tags: true,
		attributes: map[string]string{"Id": "{id}", "Arn": "{id}"},
	},
	"AWS::SecretsManager::SecretTargetAttachment": {id: "{prop.SecretId}", required: []string{"SecretId", "TargetId", "TargetType"}},
	"AWS::CertificateManager::Certificate": {
		id: "arn:{partition}:acm:{region}:{account}:certificate/{uuid}", tags: true,
		replace: []string{"DomainName", "SubjectAlternativeNames", "ValidationMethod"}, required: []string{"DomainName"},
		attributes: map[string]string{"Id": "{id}"},
	},
	"AWS::Cognito::UserPool": {
		id: "{region}_{low9}", replace: []string{"AliasAttributes", "UsernameAttributes"},
		attributes: map[string]string{
			"Arn":          "arn:{partition}:cognito-idp:{region}:{account}:userpool/{id}",
			"ProviderName": "cognito-idp.{region}.{suffix}/{id}",
			"ProviderURL":  "https://cognito-idp.{region}.{suffix}/{id}",
			"UserPoolId":   "{id}",
		},
	},
	"AWS::Cognito::UserPoolClient": {
		id: "{low26}", replace: []string{"GenerateSecret", "UserPoolId"}, required: []string{"UserPoolId"},
		attributes: map[string]string{"ClientId": "{id}", "Name": "{id}"},
	},
	"AWS::Cognito::IdentityPool": {id: "{region}:{uuid}", required: []string{"AllowUnauthenticatedIdentities"}},
	"AWS::WAFv2::WebACL": {
		id: "{low12}|{uuid}|REGIONAL", tags: true, replace: []string{"Name", "Scope"}, required: []string{"DefaultAction", "Scope", "VisibilityConfig"},
		attributes: map[string]string{"Arn": "arn:{partition}:wafv2:{region}:{account}:regional/webacl/{low12}/{uuid}"},
	},
}

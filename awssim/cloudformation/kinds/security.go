package kinds

var security = map[string]kind{
	"AWS::IAM::Role": {
		limit: 64, names: iamName("roleName", 64),
		attributes: map[string]string{
			"Arn":    "arn:{partition}:iam::{account}:role/{id}",
			"RoleId": "AROA{up17}",
		},
	},
	"AWS::IAM::Policy": {
		id: "{low5}-{low4}-{up12}", property: "PolicyName", names: iamName("policyName", 128),
		attributes: map[string]string{"Id": "{id}"},
	},
	"AWS::IAM::ManagedPolicy": {
		id:         "arn:{partition}:iam::{account}:policy/{name}",
		names:      iamName("policyName", 128),
		attributes: map[string]string{"PolicyArn": "{id}"},
	},
	"AWS::IAM::User": {
		limit: 64, names: iamName("userName", 64),
		attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:user/{id}"},
	},
	"AWS::IAM::Group": {
		names:      iamName("groupName", 128),
		attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:group/{id}"},
	},
	"AWS::IAM::InstanceProfile": {
		names:      iamName("instanceProfileName", 128),
		attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:instance-profile/{id}"},
	},
	"AWS::IAM::AccessKey": {
		id:         "AKIA{up16}",
		attributes: map[string]string{"SecretAccessKey": "{low40}"},
	},
	"AWS::IAM::OIDCProvider": {
		id:         "arn:{partition}:iam::{account}:oidc-provider/{low12}",
		attributes: map[string]string{"Arn": "{id}"},
	},
	"AWS::KMS::Key": {
		id:         "{uuid}",
		attributes: map[string]string{"Arn": "arn:{partition}:kms:{region}:{account}:key/{id}", "KeyId": "{id}"},
	},
	"AWS::SecretsManager::Secret": {
		id:         "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{low6}",
		attributes: map[string]string{"Id": "{id}"},
	},
	"AWS::SecretsManager::SecretTargetAttachment": {id: "{prop.SecretId}"},
	"AWS::CertificateManager::Certificate": {
		id:         "arn:{partition}:acm:{region}:{account}:certificate/{uuid}",
		attributes: map[string]string{"CertificateArn": "{id}"},
	},
	"AWS::Cognito::UserPool": {
		id: "{region}_{low9}",
		attributes: map[string]string{
			"Arn":          "arn:{partition}:cognito-idp:{region}:{account}:userpool/{id}",
			"ProviderName": "cognito-idp.{region}.{suffix}/{id}",
			"ProviderURL":  "https://cognito-idp.{region}.{suffix}/{id}",
			"UserPoolId":   "{id}",
		},
	},
	"AWS::Cognito::UserPoolClient": {
		id:         "{low26}",
		attributes: map[string]string{"ClientId": "{id}", "Name": "{id}"},
	},
	"AWS::Cognito::IdentityPool": {id: "{region}:{uuid}"},
	"AWS::WAFv2::WebACL": {
		id:         "{low12}|{uuid}|REGIONAL",
		attributes: map[string]string{"Arn": "arn:{partition}:wafv2:{region}:{account}:regional/webacl/{low12}/{uuid}"},
	},
}

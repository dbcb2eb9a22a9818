package kinds

var storage = map[string]kind{
	"AWS::S3::Bucket": {
		limit: 63, lower: true, names: bucketName,
		attributes: map[string]string{
			"Arn":                 "arn:{partition}:s3:::{id}",
			"DomainName":          "{id}.s3.{suffix}",
			"RegionalDomainName":  "{id}.s3.{region}.{suffix}",
			"DualStackDomainName": "{id}.s3.dualstack.{region}.{suffix}",
			"WebsiteURL":          "http://{id}.s3-website-{region}.{suffix}",
		},
	},
	"AWS::S3::BucketPolicy": {id: "{prop.Bucket}"},
	"AWS::DynamoDB::Table": {
		limit: 255, names: tableName,
		attributes: map[string]string{
			"Arn":       "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
			"StreamArn": "arn:{partition}:dynamodb:{region}:{account}:table/{id}/stream/2026-01-01T00:00:00.000",
		},
	},
	"AWS::DynamoDB::GlobalTable": {
		limit: 255, names: tableName,
		attributes: map[string]string{
			"Arn":       "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
			"TableId":   "{uuid}",
			"StreamArn": "arn:{partition}:dynamodb:{region}:{account}:table/{id}/stream/2026-01-01T00:00:00.000",
		},
	},
	"AWS::EFS::FileSystem": {
		id: "fs-{hex17}",
		attributes: map[string]string{
			"Arn":          "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{id}",
			"FileSystemId": "{id}",
		},
	},
	"AWS::RDS::DBInstance": {
		limit: 63, lower: true,
		attributes: map[string]string{
			"DBInstanceArn":    "arn:{partition}:rds:{region}:{account}:db:{id}",
			"Endpoint.Address": "{id}.{low12}.{region}.rds.{suffix}",
			"Endpoint.Port":    "5432",
			"DbiResourceId":    "db-{up26}",
		},
	},
	"AWS::RDS::DBCluster": {
		limit: 63, lower: true,
		attributes: map[string]string{
			"DBClusterArn":         "arn:{partition}:rds:{region}:{account}:cluster:{id}",
			"Endpoint.Address":     "{id}.cluster-{low12}.{region}.rds.{suffix}",
			"Endpoint.Port":        "5432",
			"ReadEndpoint.Address": "{id}.cluster-ro-{low12}.{region}.rds.{suffix}",
		},
	},
	"AWS::RDS::DBSubnetGroup": {lower: true},
	"AWS::ElastiCache::SubnetGroup": {
		lower: true,
	},
	"AWS::SSM::Parameter": {
		attributes: map[string]string{"Type": "{prop.Type}", "Value": "{prop.Value}"},
	},
}

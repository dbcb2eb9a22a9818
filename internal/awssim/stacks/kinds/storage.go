package kinds

var storage = map[string]kind{
	"AWS::S3::Bucket": {
		name: "BucketName", tags: true, limit: 63, lower: true,
		attributes: map[string]string{
			"Arn":                 "arn:{partition}:s3:::{id}",
			"DomainName":          "{id}.s3.{suffix}",
			"RegionalDomainName":  "{id}.s3.{region}.{suffix}",
			"DualStackDomainName": "{id}.s3.dualstack.{region}.{suffix}",
			"WebsiteURL":          "http://{id}.s3-website-{region}.{suffix}",
		},
	},
	"AWS::S3::BucketPolicy": {id: "{prop.Bucket}", replace: []string{"Bucket"}, required: []string{"Bucket", "PolicyDocument"}},
	"AWS::DynamoDB::Table": {
		name: "TableName", tags: true, limit: 255, required: []string{"KeySchema"},
		replace: []string{"KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes", "ImportSourceSpecification"},
		attributes: map[string]string{
			"Arn":       "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
			"StreamArn": "arn:{partition}:dynamodb:{region}:{account}:table/{id}/stream/2026-01-01T00:00:00.000",
		},
	},
	"AWS::DynamoDB::GlobalTable": {
		name: "TableName", tags: true, limit: 255, required: []string{"KeySchema", "Replicas", "AttributeDefinitions"},
		replace: []string{"KeySchema", "LocalSecondaryIndexes"},
		attributes: map[string]string{
			"Arn":       "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
			"TableId":   "{uuid}",
			"StreamArn": "arn:{partition}:dynamodb:{region}:{account}:table/{id}/stream/2026-01-01T00:00:00.000",
		},
	},
	"AWS::EFS::FileSystem": {
		id: "fs-{hex17}", tags: true, replace: []string{"Encrypted", "KmsKeyId", "PerformanceMode"},
		attributes: map[string]string{
			"Arn":          "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{id}",
			"FileSystemId": "{id}",
		},
	},
	"AWS::RDS::DBInstance": {
		name: "DBInstanceIdentifier", tags: true, limit: 63, lower: true,
		replace: []string{"DBName", "Engine", "MasterUsername", "StorageEncrypted", "KmsKeyId", "AvailabilityZone", "DBSubnetGroupName"},
		attributes: map[string]string{
			"DBInstanceArn":    "arn:{partition}:rds:{region}:{account}:db:{id}",
			"Endpoint.Address": "{id}.{low12}.{region}.rds.{suffix}",
			"Endpoint.Port":    "5432",
			"DbiResourceId":    "db-{up26}",
		},
	},
	"AWS::RDS::DBCluster": {
		name: "DBClusterIdentifier", tags: true, limit: 63, lower: true,
		replace: []string{"DatabaseName", "EngineMode", "MasterUsername", "StorageEncrypted", "KmsKeyId", "DBSubnetGroupName"},
		attributes: map[string]string{
			"DBClusterArn":         "arn:{partition}:rds:{region}:{account}:cluster:{id}",
			"Endpoint.Address":     "{id}.cluster-{low12}.{region}.rds.{suffix}",
			"Endpoint.Port":        "5432",
			"ReadEndpoint.Address": "{id}.cluster-ro-{low12}.{region}.rds.{suffix}",
		},
	},
	"AWS::RDS::DBSubnetGroup": {name: "DBSubnetGroupName", tags: true, lower: true, required: []string{"SubnetIds"}},
	"AWS::ElastiCache::SubnetGroup": {
		name: "CacheSubnetGroupName", tags: true, lower: true, required: []string{"SubnetIds"},
	},
	"AWS::SSM::Parameter": {
		name: "Name", tags: true, replace: []string{"Type"}, required: []string{"Type", "Value"},
		attributes: map[string]string{"Type": "{prop.Type}", "Value": "{prop.Value}"},
	},
}

package kinds

var network = map[string]kind{
	"AWS::EC2::VPC": {
		id: "vpc-{hex17}", tags: true, replace: []string{"CidrBlock", "Ipv4IpamPoolId"},
		attributes: map[string]string{
			"VpcId": "{id}", "CidrBlock": "{prop.CidrBlock}", "DefaultSecurityGroup": "sg-{hex17}", "DefaultNetworkAcl": "acl-{hex17}",
		},
	},
	"AWS::EC2::Subnet": {
		id: "subnet-{hex17}", tags: true, replace: []string{"AvailabilityZone", "CidrBlock", "VpcId"}, required: []string{"VpcId"},
		attributes: map[string]string{
			"SubnetId": "{id}", "AvailabilityZone": "{prop.AvailabilityZone}", "CidrBlock": "{prop.CidrBlock}", "VpcId": "{prop.VpcId}",
		},
	},
	"AWS::EC2::SecurityGroup": {
		id: "sg-{hex17}", tags: true, replace: []string{"GroupDescription", "GroupName", "VpcId"}, required: []string{"GroupDescription"},
		attributes: map[string]string{"GroupId": "{id}", "VpcId": "{prop.VpcId}"},
	},
	"AWS::EC2::SecurityGroupIngress": {id: "sgr-{hex17}", required: []string{"IpProtocol"}},
	"AWS::EC2::SecurityGroupEgress":  {id: "sgr-{hex17}", required: []string{"IpProtocol"}},
	"AWS::EC2::InternetGateway":      {id: "igw-{hex17}", tags: true},
	"AWS::EC2::VPCGatewayAttachment": {id: "IGW|{prop.VpcId}", replace: []string{"VpcId"}, required: []string{"VpcId"}},
	"AWS::EC2::NatGateway": {
		id: "nat-{hex17}", tags: true, replace: []string{"AllocationId", "SubnetId", "ConnectivityType"},
		attributes: map[string]string{"NatGatewayId": "{id}"},
	},
	"AWS::EC2::EIP": {
		id: "198.51.100.1{dig1}", tags: true,
		attributes: map[string]string{"AllocationId": "eipalloc-{hex17}", "PublicIp": "{id}"},
	},
	"AWS::EC2::RouteTable": {
		id: "rtb-{hex17}", tags: true, replace: []string{"VpcId"}, required: []string{"VpcId"},
		attributes: map[string]string{"RouteTableId": "{id}"},
	},
	"AWS::EC2::Route": {
		id: "{prop.RouteTableId}|{prop.DestinationCidrBlock}", replace: []string{"DestinationCidrBlock", "RouteTableId"},
		required: []string{"RouteTableId"},
	},
	"AWS::EC2::SubnetRouteTableAssociation": {
		id: "rtbassoc-{hex17}", replace: []string{"SubnetId"}, required: []string{"RouteTableId", "SubnetId"},
	},
	"AWS::EC2::VPCEndpoint": {
		id: "vpce-{hex17}", replace: []string{"ServiceName", "VpcEndpointType", "VpcId"}, required: []string{"ServiceName", "VpcId"},
	},
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {
		id: "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{low12}/{hex16}", tags: true,
		replace: []string{"Name", "Scheme", "Type"},
		attributes: map[string]string{
			"LoadBalancerArn": "{id}", "LoadBalancerFullName": "app/{last}", "LoadBalancerName": "{last}",
			"DNSName": "{last}.{region}.elb.{suffix}", "CanonicalHostedZoneID": "Z{up13}",
		},
	},
	"AWS::ElasticLoadBalancingV2::TargetGroup": {
		id: "arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{low12}/{hex16}", tags: true,
		replace:    []string{"Name", "Port", "Protocol", "TargetType", "VpcId"},
		attributes: map[string]string{"TargetGroupArn": "{id}", "TargetGroupFullName": "targetgroup/{last}"},
	},
	"AWS::ElasticLoadBalancingV2::Listener": {
		id:       "arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/{low12}/{hex16}/{hex16}",
		replace:  []string{"LoadBalancerArn"},
		required: []string{"DefaultActions", "LoadBalancerArn"}, attributes: map[string]string{"ListenerArn": "{id}"},
	},
	"AWS::Route53::HostedZone": {
		id: "Z{up20}", replace: []string{"Name"}, required: []string{"Name"},
		attributes: map[string]string{"Id": "{id}"},
	},
	"AWS::Route53::RecordSet": {
		id: "{prop.Name}", replace: []string{"HostedZoneId", "HostedZoneName", "Name", "Type"}, required: []string{"Name", "Type"},
	},
}

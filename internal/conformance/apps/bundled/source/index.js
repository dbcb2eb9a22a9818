exports.handler = async () => 'bundled';

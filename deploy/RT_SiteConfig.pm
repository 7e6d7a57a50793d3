Set($rtname, 'desk.test'); Set($Organization, 'desk.test');
Set($WebDomain, 'localhost'); Set($WebPort, 8443); Set($WebPath, ''); Set($WebBaseURL, 'https://localhost:8443');
Set($DatabaseType, 'Pg'); Set($DatabaseHost, $ENV{RT_DATABASE_HOST}); Set($DatabaseName, 'rt5');
Set($DatabaseUser, 'postgres'); Set($DatabasePassword, $ENV{RT_DATABASE_PASSWORD});
Set($MailCommand, 'testfile'); Set($LogToSTDERR, 'warning'); Set($LogToSyslog, undef); Set($Timezone, 'UTC');
1;

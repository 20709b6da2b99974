-- kind: session
USE shop_data;

-- kind: session
USE cat.`shop;data`;

-- kind: session
USE CATALOG extra;

-- kind: session
USE MODULES core, hive;

-- kind: session
LOAD MODULE hive WITH ('hive-version' = '3.1.3');

-- kind: session
LOAD MODULE core;

-- kind: session
UNLOAD MODULE core;

-- kind: session
SET;

-- kind: session
SET 'table.local-time-zone' = 'Europe/Amsterdam';

-- kind: session
SET 'pipeline.name' = 'a;b it''s';

-- kind: session
RESET;

-- kind: session
RESET 'pipeline.name';

-- kind: session
ADD JAR '/jars/a;b.jar';

-- kind: session
REMOVE JAR '/jars/a;b.jar';

-- kind: other
STOP JOB '228d70913eab60dda85c5e7f78b5782c';

-- kind: other
STOP JOB '228d70913eab60dda85c5e7f78b5782c' WITH SAVEPOINT;

-- kind: other
STOP JOB '228d70913eab60dda85c5e7f78b5782c' WITH SAVEPOINT WITH DRAIN;

-- kind: client
HELP;

-- kind: client
CLEAR;

-- kind: client
QUIT;

-- kind: client
EXIT;

BEGIN TRANSACTION;
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at VARCHAR NOT NULL, 
	key_id VARCHAR NOT NULL, 
	method VARCHAR NOT NULL, 
	route VARCHAR NOT NULL, 
	ids TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	address VARCHAR NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,'2026-11-01T00:00:00.000000+00:00','key_0b4ba7dd24ab15ee','GET','/v1/search','{"collection": "team"}',200,0.5,'127.0.0.1','');
CREATE TABLE files (
	id VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	filename TEXT NOT NULL, 
	purpose VARCHAR NOT NULL, 
	bytes INTEGER NOT NULL, 
	created_at VARCHAR NOT NULL, 
	expires_at VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "files" VALUES('file-12c4ac37216b8d3058d675bc','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','보고서.pdf','assistants',1234,'2026-11-23T10:39:08.365089+00:00','');
CREATE TABLE job_events (
	job_id VARCHAR NOT NULL, 
	seq INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (job_id, seq)
);
INSERT INTO "job_events" VALUES('job_da14443ba3cd7bbd',1,'token','{"text": "15\uc77c"}');
INSERT INTO "job_events" VALUES('job_da14443ba3cd7bbd',2,'done','{}');
CREATE TABLE jobs (
	id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	payload TEXT NOT NULL, 
	progress TEXT NOT NULL, 
	result TEXT NOT NULL, 
	error TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	cancel INTEGER NOT NULL, 
	created_at VARCHAR NOT NULL, 
	updated_at VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('job_da14443ba3cd7bbd','ask','done','{"question": "\ud734\uac00\ub294 \uba70\uce60\uc778\uac00\uc694?"}','{}','{"answer": "15\uc77c\uc785\ub2c8\ub2e4."}','{}',0,0,'2026-11-23T10:39:08.322161+00:00','2026-11-23T10:39:08.331839+00:00');
INSERT INTO "jobs" VALUES('job_b691d46ba964d84e','add','queued','{"paths": ["a.pdf"]}','{}','{}','{}',0,0,'2026-11-23T10:39:08.343776+00:00','2026-11-23T10:39:08.343776+00:00');
CREATE TABLE keys (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	prefix VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	rights TEXT NOT NULL, 
	collections TEXT NOT NULL, 
	requests_per_minute INTEGER NOT NULL, 
	tokens_per_day INTEGER NOT NULL, 
	money_per_day FLOAT NOT NULL, 
	created_at VARCHAR NOT NULL, 
	expires_at VARCHAR NOT NULL, 
	revoked_at VARCHAR NOT NULL, 
	last_used_at VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (digest)
);
INSERT INTO "keys" VALUES('key_0b4ba7dd24ab15ee','old','gk-odmT1iK','4bb0b8dd6ce59b9ef841de6504ac191d2cef56d9ba1a9a29a06576bb113ddd65','["ask", "read"]','["team"]',0,0,0.0,'2026-11-23T10:39:08.344607+00:00','','','');
CREATE TABLE made (
	id VARCHAR NOT NULL, 
	key_id VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "made" VALUES('job_da14443ba3cd7bbd','key_0b4ba7dd24ab15ee');
CREATE TABLE responses (
	id VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "responses" VALUES('resp_1','{"id": "resp_1"}','2026-11-23T10:39:08.385518+00:00');
CREATE TABLE sessions (
	digest VARCHAR NOT NULL, 
	key_id VARCHAR NOT NULL, 
	expires_at VARCHAR NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "sessions" VALUES('9dc8386393fa9492f6ab724bfecef5255b33e681f0030bdaf571e126e4aec7c1','key_0b4ba7dd24ab15ee','2121-12-17T15:59:08.354606+00:00');
CREATE TABLE threads (
	id VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	collection VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	updated_at VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "threads" VALUES('thread_f2ff9c4d059ae16a','휴가 규정','default','2026-11-23T10:39:08.308215+00:00','2026-11-23T10:39:08.322161+00:00');
CREATE TABLE turns (
	id INTEGER NOT NULL, 
	thread_id VARCHAR NOT NULL, 
	question TEXT NOT NULL, 
	job_id VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "turns" VALUES(1,'thread_f2ff9c4d059ae16a','휴가는 며칠인가요?','job_da14443ba3cd7bbd','2026-11-23T10:39:08.322161+00:00');
CREATE TABLE usage (
	id INTEGER NOT NULL, 
	at VARCHAR NOT NULL, 
	key_id VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	prompt_tokens INTEGER NOT NULL, 
	completion_tokens INTEGER NOT NULL, 
	money FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "usage" VALUES(1,'2026-11-01T00:00:00.000000+00:00','key_0b4ba7dd24ab15ee','embedded:x',10,5,0.25);
CREATE TABLE vector_store_files (
	collection VARCHAR NOT NULL, 
	file_id VARCHAR NOT NULL, 
	job_id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	batch_id VARCHAR NOT NULL, 
	attributes TEXT NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (collection, file_id)
);
INSERT INTO "vector_store_files" VALUES('team','file-12c4ac37216b8d3058d675bc','job_b691d46ba964d84e',0,'','{"year": 2026}','2026-11-23T10:39:08.379650+00:00');
CREATE TABLE vector_stores (
	collection VARCHAR NOT NULL, 
	name TEXT NOT NULL, 
	notes TEXT NOT NULL, 
	expires_days INTEGER NOT NULL, 
	created_at VARCHAR NOT NULL, 
	active_at VARCHAR NOT NULL, 
	PRIMARY KEY (collection)
);
INSERT INTO "vector_stores" VALUES('team','Team','{"a": "b"}',0,'2026-11-01T00:00:00.000000+00:00','2026-11-01T00:00:00.000000+00:00');
CREATE TABLE word_lists (
	collection VARCHAR NOT NULL, 
	words TEXT NOT NULL, 
	changed_at VARCHAR NOT NULL, 
	applied_at VARCHAR NOT NULL, 
	PRIMARY KEY (collection)
);
INSERT INTO "word_lists" VALUES('team','[{"word": "각주", "also": ["脚注"]}]','2026-11-23T10:39:08.394047+00:00','');
CREATE INDEX ix_audit_key_id ON audit (key_id);
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_files_created_at ON files (created_at);
CREATE INDEX ix_files_digest ON files (digest);
CREATE INDEX ix_sessions_key_id ON sessions (key_id);
CREATE INDEX ix_made_key_id ON made (key_id);
CREATE INDEX ix_responses_created_at ON responses (created_at);
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE INDEX ix_threads_updated_at ON threads (updated_at);
CREATE INDEX turns_by_thread ON turns (thread_id, id);
CREATE INDEX usage_by_key ON usage (key_id, at);
CREATE INDEX ix_usage_at ON usage (at);
COMMIT;

-- Written by Tracking: groups of runs; one with a model is that model's task.
CREATE TABLE experiment (
  id INTEGER PRIMARY KEY,  -- from 1; 0 is left to MLflow's experiment "Default"
  name TEXT NOT NULL UNIQUE,  -- a stored name; a deleted experiment keeps it
  lifecycleStage TEXT NOT NULL CHECK (lifecycleStage IN ('active', 'deleted')),  -- MLflow's words
  createdAt INTEGER NOT NULL,  -- milliseconds since 1970
  taskType TEXT,  -- 'text-classification' …; null without a task
  metric TEXT,  -- the task's primary metric: 'val/f1'
  direction TEXT CHECK (direction IN ('max', 'min')),  -- which end of the metric is better
  modelId INTEGER UNIQUE,  -- the task's model in Catalog; null for plain tracking
  baseVersionId INTEGER  -- the version in Catalog that runs start from
) STRICT;

-- pgsafe: no-transaction
CREATE TABLE public.half_done ();
SELECT pg_sleep(3600);

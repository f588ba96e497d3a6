-- severity: error
-- remedy: Write these numbers as E.164 wants them: +, country, number, without a blank.
SELECT id FROM public.community_members WHERE phone !~ '^\+[0-9]{8,15}$';

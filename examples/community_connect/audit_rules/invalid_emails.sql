-- severity: error
-- remedy: Mend these addresses, or remove the members who have none.
SELECT id FROM public.community_members WHERE email !~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$';

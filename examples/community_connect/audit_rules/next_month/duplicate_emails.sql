-- severity: error
-- remedy: Merge these members: two of them have one address.
SELECT id FROM public.members
WHERE lower(email) IN (SELECT lower(email) FROM public.members GROUP BY 1 HAVING count(*) > 1);
